// One list per struct: key, member, unit, help, rule. Parsing, schema, output and differences all read it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace hvsim::sim {

enum class Unit : std::uint8_t {
  none,
  bytes,
  cycles,
  ticks,
  nanoseconds,
  microseconds,
  megahertz,
  count,
  instructions,
  bytes_per_us
};

constexpr std::string_view name(Unit unit) {
  constexpr std::string_view names[] = {"",   "bytes", "cycles", "ticks",        "ns",
                                        "us", "MHz",   "count",  "instructions", "MB/s"};
  return names[static_cast<std::size_t>(unit)];
}

// What a value must satisfy beyond its type. For lists, min and max bound the number of elements.
struct Rule {
  std::uint64_t min = 0;
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  bool power_of_two = false;
  bool file = false;      // text names a file, relative to the file that says so
  bool path = false;      // so does text with a slash; without one, it names something known
  bool firmware = false;  // cycles are the firmware's, in M-mode
  bool required = false;
  unsigned name_length = 0;  // not 0: text must be a name: letters, digits, _ . - and at most so long
};

template <class Struct, class Member>
struct Field {
  std::string_view key;
  Member Struct::*member;
  Unit unit;
  std::string_view help;
  Rule rule{};

  constexpr const Member& of(const Struct& value) const { return value.*member; }
  constexpr Member& of(Struct& value) const { return value.*member; }
};
template <class Struct, class Member>
Field(const char*, Member Struct::*, Unit, const char*) -> Field<Struct, Member>;
template <class Struct, class Member>
Field(const char*, Member Struct::*, Unit, const char*, Rule) -> Field<Struct, Member>;

// One of the values that an array member holds: a field like any other for whoever reads and writes them.
template <class Struct, class Array>
struct ElementField {
  using Member = typename Array::value_type;
  std::string_view key;
  Array Struct::*array;
  std::size_t index;
  Unit unit;
  std::string_view help;
  Rule rule{};

  constexpr const Member& of(const Struct& value) const { return (value.*array)[index]; }
  constexpr Member& of(Struct& value) const { return (value.*array)[index]; }
};

// Specialised per struct with a tuple of Fields named `fields`.
template <class Struct>
struct Described;

// Specialised per enum with an array of (value, name) pairs named `choices`.
template <class Enum>
struct Named;

// Specialised per array whose elements have names: static name(index), help(index) and unit(index).
template <class Array>
struct NamedElements;

template <class T>
concept Structured = requires {
  Described<T>::fields;
};

template <class T>
concept Enumerated = std::is_enum_v<T> && requires {
  Named<T>::choices;
};

template <Structured T, class Visitor>
constexpr void for_each_field(Visitor&& visit) {
  std::apply([&](const auto&... field) { (visit(field), ...); }, Described<T>::fields);
}

template <Enumerated E>
constexpr std::string_view name(E value) {
  for (const auto& [choice, text] : Named<E>::choices)
    if (choice == value) return text;
  return "?";
}

}  // namespace hvsim::sim
