// ping_pong without a machine: a token that goes round, and what each player makes of it.
#pragma once

#include <cstdint>

#include "workloads/kernels/checksum.h"

namespace workload::ping_pong {

struct Parameters {
  std::uint64_t rounds;   // of the token over all players
  std::uint64_t players;  // dealt out to the VCPUs in turn
  std::uint64_t seed;
};

template <class Arguments>
constexpr Parameters parameters(Arguments& arguments) {
  return {.rounds = arguments.number("rounds", 2000, 1, 1'000'000'000),
          .players = arguments.number("players", 4, 1, 64),
          .seed = arguments.number("seed", 1, 0, ~std::uint64_t{0})};
}

// The token: a player that has it hashes it and passes it on.
class Token {
 public:
  explicit constexpr Token(std::uint64_t seed) { sum_.add(seed); }
  constexpr void hit(std::uint64_t hop) { sum_.add(hop); }
  constexpr std::uint64_t value() const { return sum_.value(); }

 private:
  Checksum sum_;
};

constexpr std::uint64_t expected(const Parameters& parameters) {
  Token token{parameters.seed};
  for (std::uint64_t hop = 0; hop < parameters.rounds * parameters.players; ++hop) token.hit(hop);
  return token.value();
}

}  // namespace workload::ping_pong
