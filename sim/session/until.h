// What a session runs until, and the points that stop it at any time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/cpu/debug_points.h"
#include "models/cpu/isa/mark.h"
#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/json_document.h"

namespace hvsim::session {

using sim::Json;

// Numbered by whoever holds the session.
struct Breakpoint {
  unsigned id = 0;
  cpu::Breakpoint at;
};
struct Watchpoint {
  unsigned id = 0;
  cpu::Watchpoint at;
};
struct Points {
  std::vector<Breakpoint> breakpoints;
  std::vector<Watchpoint> watchpoints;
};

struct AwaitedMark {
  isa::MarkKind kind{};
  std::optional<std::uint64_t> value;
};

// The first of what is there ends the run.
struct Until {
  std::optional<unsigned> hart;               // only what this one does counts
  std::optional<std::uint64_t> steps;         // instructions of `hart`
  std::optional<std::uint64_t> cycle;         // a hart begins an instruction at it or later
  std::optional<std::uint64_t> instructions;  // retired by all harts, or by `hart`
  std::vector<cpu::Breakpoint> addresses;
  std::optional<AwaitedMark> mark;
  std::optional<std::string> exit;     // as statistics name it; "any"
  std::optional<std::string> trap;     // as explanations name it; "any"
  std::uint32_t vm = cpu::kEverybody;  // whose mark, exit or trap
};

// An error says which key, its value and what was expected.
isa::Result<Until, std::string> read_until(const Json& json, const sim::Config& config);
isa::Result<Points, std::string> read_points(const Json& json, const sim::Config& config);

// The number at `key`; throws std::invalid_argument if it is none that 64 bits hold.
std::uint64_t whole_number(const Json& json, const char* key);

// Whose addresses: null: everybody's, "machine": who runs while V is 0; or a VM's name.
isa::Result<std::uint32_t, std::string> read_whose(const Json& json, const sim::Config& config);
Json whose_json(std::uint32_t whose, const sim::Config& config);

}  // namespace hvsim::session
