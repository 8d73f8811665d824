// State to bytes and back, by one function per component for both directions, so that they cannot differ.
//
// A component names all its members in `void persist(state::Archive&)`, best by a structured binding of *this
// or of a plain struct: one that is forgotten then does not compile. Bytes that are loaded are not trusted:
// whatever is out of range, too long or too short makes the archive fail, and what it yields from there on is
// zeros.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "models/cpu/isa/types.h"
#include "models/state/archive_forward.h"

namespace hvsim::state {

// The last enumerator of an enumeration that is stored: specialised beside the function that stores it.
template <class E>
struct Last;

using Bytes = std::vector<std::uint8_t>;

class Archive {
 public:
  Archive() = default;                                                                   // to save into
  explicit Archive(std::span<const std::uint8_t> from) : from_(from), loading_(true) {}  // to load from

  bool loading() const { return loading_; }
  bool saving() const { return !loading_; }
  const Bytes& saved() const { return saved_; }
  Bytes take() { return std::move(saved_); }
  std::size_t left() const { return from_.size(); }

  // The first reason stays.
  void fail(std::string_view why) {
    if (!failure_) failure_ = why;
    from_ = {};
  }
  bool failed() const { return failure_.has_value(); }
  const std::string& failure() const { return *failure_; }
  // What is loaded must be so.
  bool require(bool condition, std::string_view why) {
    if (loading_ && !condition) fail(why);
    return !failed();
  }

  template <class... T>
  void operator()(T&... values) {
    (one(values), ...);
  }

  void bytes(std::span<std::uint8_t> values) {
    if (!loading_) {
      saved_.insert(saved_.end(), values.begin(), values.end());
    } else if (from_.size() < values.size()) {
      fail("is too short");
      std::memset(values.data(), 0, values.size());
    } else if (!values.empty()) {
      std::memcpy(values.data(), from_.data(), values.size());
      from_ = from_.subspan(values.size());
    }
  }

  // A number that must be below a limit.
  template <std::unsigned_integral T>
  void below(T& value, std::uint64_t limit) {
    one(value);
    if (loading_ && value >= limit) {
      fail("has a number that is out of range");
      value = 0;
    }
  }
  // A sequence of any length up to a limit. Other vectors are as long as they were made.
  template <class Sequence>
  void list(Sequence& values, std::uint64_t most = std::numeric_limits<std::uint32_t>::max()) {
    const std::uint64_t count = length(values.size(), most);
    if (loading_) values.clear();
    if constexpr (requires { values.reserve(count); })
      if (loading_) values.reserve(std::min<std::uint64_t>(count, 4096));
    for (std::uint64_t i = 0; i < count && !failed(); ++i) {
      if (loading_) values.emplace_back();
      one(values[i]);
    }
  }
  // How many elements follow, of at least a byte each.
  std::uint64_t length(std::uint64_t count, std::uint64_t most = std::numeric_limits<std::uint32_t>::max()) {
    one(count);
    if (!loading_) return count;
    if (count > most || count > left()) fail("has a list that is too long");
    return failed() ? 0 : count;
  }

 private:
  void one(bool& value) {
    std::uint8_t byte = value ? 1 : 0;
    bytes({&byte, 1});
    if (byte > 1) fail("has a truth value that is neither");
    value = byte == 1;
  }
  template <std::integral T>
  void one(T& value) {
    bytes({reinterpret_cast<std::uint8_t*>(&value), sizeof value});
  }
  template <class E>
  requires std::is_enum_v<E>
  void one(E& value) {
    auto number = static_cast<std::underlying_type_t<E>>(value);
    one(number);
    if (number > static_cast<std::underlying_type_t<E>>(Last<E>::value)) {
      fail("has a choice that is none");
      number = {};
    }
    value = static_cast<E>(number);
  }
  template <class Kind>
  void one(isa::Address<Kind>& address) {
    one(address.value);
  }
  void one(isa::Mode& mode);
  template <class T, std::size_t N>
  void one(std::array<T, N>& values) {
    sequence(values);
  }
  template <class T>
  void one(std::vector<T>& values) {
    std::uint64_t count = values.size();
    one(count);
    if (!require(count == values.size(), "has a table of another size")) return;
    sequence(values);
  }
  void one(std::vector<bool>& values) {
    for (auto&& value : values) {
      bool copy = value;
      one(copy);
      value = copy;
    }
  }
  template <class T>
  void one(std::deque<T>& values) {
    list(values);
  }
  void one(std::string& text) {
    const std::uint64_t count = length(text.size());
    if (loading_) text.resize(count);
    bytes({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  }
  template <class T>
  void one(std::optional<T>& value) {
    bool there = value.has_value();
    one(there);
    if (loading_) there ? void(value.emplace()) : value.reset();
    if (there) one(*value);
  }
  template <class A, class B>
  void one(std::pair<A, B>& both) {
    one(both.first);
    one(both.second);
  }
  template <class... T>
  void one(std::tuple<T...>& all) {
    std::apply([this](auto&... values) { (one(values), ...); }, all);
  }
  // In the order of their keys.
  template <class Key, class T>
  void one(std::map<Key, T>& values) {
    const std::uint64_t count = length(values.size());
    if (!loading_) {
      for (auto& [key, value] : values) {
        Key copy = key;
        one(copy);
        one(value);
      }
      return;
    }
    values.clear();
    for (std::uint64_t i = 0; i < count && !failed(); ++i) {
      Key key{};
      one(key);
      if (!values.empty() && !(values.rbegin()->first < key)) return fail("has a table that is out of order");
      one(values[key]);
    }
  }
  template <class T>
  requires requires(T& value, Archive& archive) { value.persist(archive); }
  void one(T& value) { value.persist(*this); }
  template <class T>
  requires requires(T& value, Archive& archive) { persist(archive, value); }
  void one(T& value) { persist(*this, value); }

  template <class Sequence>
  void sequence(Sequence& values) {
    using T = typename Sequence::value_type;
    if constexpr (std::integral<T> && !std::same_as<T, bool>)
      bytes({reinterpret_cast<std::uint8_t*>(values.data()), values.size() * sizeof(T)});
    else
      for (auto& value : values) one(value);
  }

  Bytes saved_;
  std::span<const std::uint8_t> from_;
  bool loading_ = false;
  std::optional<std::string> failure_;
};

template <>
struct Last<isa::Privilege> {
  static constexpr auto value = isa::Privilege::machine;
};
inline void Archive::one(isa::Mode& mode) {
  auto& [privilege, virtualized] = mode;
  (*this)(privilege, virtualized);
  constexpr auto reserved = static_cast<isa::Privilege>(2);
  if (privilege == reserved || (privilege == isa::Privilege::machine && virtualized)) {
    fail("has a mode that is none");
    mode = {};
  }
}

}  // namespace hvsim::state
