// Result: a value or an error, for code that may not use exceptions (std::expected is C++23).
#pragma once

#include <utility>
#include <variant>

namespace hvsim::isa {

template <class Error>
struct Failure {
  Error error;
};
template <class Error>
Failure(Error) -> Failure<Error>;

template <class Value, class Error>
class [[nodiscard]] Result {
 public:
  constexpr Result(Value value) : state_(std::in_place_index<0>, std::move(value)) {}
  constexpr Result(Failure<Error> failure) : state_(std::in_place_index<1>, std::move(failure.error)) {}

  constexpr bool ok() const { return state_.index() == 0; }
  constexpr explicit operator bool() const { return ok(); }
  constexpr const Value& value() const { return *std::get_if<0>(&state_); }
  constexpr Value& value() { return *std::get_if<0>(&state_); }
  constexpr const Error& error() const { return *std::get_if<1>(&state_); }
  constexpr const Value& operator*() const { return value(); }
  constexpr const Value* operator->() const { return &value(); }

 private:
  std::variant<Value, Error> state_;
};

}  // namespace hvsim::isa
