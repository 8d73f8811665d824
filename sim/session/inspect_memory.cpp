// Memory through the eyes of a hart or a VCPU.
#include "sim/gdb/packet.h"
#include "sim/session/inspector.h"
#include "sim/session/until.h"
#include "sim/trap_words.h"

namespace hvsim::session {
namespace {

constexpr std::uint64_t kMostBytes = 16 << 20;  // of a command

isa::Result<gdb::Space, std::string> space_of(const Json& request) {
  const std::string name = request.at("space");
  std::string known;
  for (const gdb::SpaceName& each : gdb::kSpaces) {
    if (name == each.name) return each.space;
    known += (known.empty() ? "" : ", ") + std::string(each.name);
  }
  return isa::Failure{"space: \"" + name + "\": expected one of " + known};
}

std::string scheme_of(const mmu::Root& root, bool g_stage) {
  if (root.scheme == nullptr) return "Bare";
  return "Sv" + std::to_string(root.scheme->va_bits - root.scheme->root_extra_bits) + (g_stage ? "x4" : "");
}

Json walk_json(const gdb::Examined& seen) {
  Json walk = Json::array();
  for (unsigned i = 0; i < seen.walk.count; ++i) {
    const mmu::PteRead& read = seen.walk.reads[i];
    const bool g_stage = read.stage == mmu::Stage::g_stage;
    walk.push_back(
        {{"stage", g_stage                  ? "G"
                   : seen.space.virtualized ? "VS"
                                            : "first"},
         {"level", read.level},
         {"address", read.address.value},
         {"guest_physical", !g_stage && seen.space.virtualized ? Json(read.guest_physical.value) : Json()},
         {"value", read.value},
         {"flags", sim::pte_flags(read.value)},
         {"meaning", sim::pte_words(read)}});
  }
  return walk;
}

}  // namespace

auto Inspector::read_memory(const Json& request) -> Answer {
  const auto who = this->who(request);
  if (!who) return isa::Failure{who.error()};
  const auto space = space_of(request);
  if (!space) return isa::Failure{space.error()};
  const auto bytes = whole_number(request, "bytes");
  if (bytes > kMostBytes)
    return isa::Failure{"bytes: " + std::to_string(bytes) + ": expected at most " +
                        std::to_string(kMostBytes)};
  return Json{{"data", gdb::hex_bytes(memory_.read(registers_of(*who), *space,
                                                   whole_number(request, "address"), bytes))}};
}

auto Inspector::write_memory(const Json& request) -> Answer {
  const auto who = this->who(request);
  if (!who) return isa::Failure{who.error()};
  const auto space = space_of(request);
  if (!space) return isa::Failure{space.error()};
  const auto data = gdb::parse_hex_bytes(request.at("data").get<std::string>());
  if (!data) return isa::Failure{std::string("data: expected bytes as hexadecimal digits")};
  if (!memory_.write(registers_of(*who), *space, whole_number(request, "address"), *data))
    return isa::Failure{std::string("address: there is no RAM that it translates to")};
  for (unsigned hart = 0; hart < machine_.harts(); ++hart) machine_.hart(hart).code_changed();
  return Json::object();
}

auto Inspector::translate(const Json& request) -> Answer {
  const auto who = this->who(request);
  if (!who) return isa::Failure{who.error()};
  const auto space = space_of(request);
  if (!space) return isa::Failure{space.error()};
  const std::uint64_t address = whole_number(request, "address");
  const cpu::HartState state = registers_of(*who);
  const gdb::Examined seen = memory_.examine(state, *space, address);
  const bool translates = mmu::translates(seen.space);
  Json json{
      {"address", address},
      {"first_stage", translates ? scheme_of(seen.space.first, false) : "Bare"},
      {"g_stage", translates && seen.space.virtualized ? Json(scheme_of(seen.space.g_stage, true)) : Json()},
      {"walk", walk_json(seen)},
      {"physical", seen.place ? Json(seen.place->address.value) : Json()},
      {"guest_physical",
       seen.place && seen.space.virtualized ? Json(seen.place->guest_physical.value) : Json()},
      {"page_bytes", seen.place && translates ? Json(std::uint64_t{1} << seen.place->page_shift) : Json()},
      {"why_not", seen.why_not},
      {"accesses", Json::object()},
      {"text", memory_.explain(state, *space, address)}};
  if (seen.place)
    for (const auto& verdict : seen.verdicts) json["accesses"][verdict.access] = verdict.why_not;
  return json;
}

}  // namespace hvsim::session
