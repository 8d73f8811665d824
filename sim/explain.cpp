// The layout of explanations; the sentences come from trap_words and fault_words.
#include "sim/explain.h"

#include <cstdio>

#include "models/cpu/disassembler.h"
#include "sim/image/format.h"
#include "sim/statistics_names.h"
#include "sim/trap_words.h"

namespace hvsim::sim {
namespace {

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string hex16(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "0x%016llx", static_cast<unsigned long long>(value));
  return text;
}

std::string encoding(const cpu::Op& op) {
  char text[12];
  std::snprintf(text, sizeof text, op.length == 2 ? "%04x" : "%08x", op.raw);
  return text;
}

std::string disassembled(const cpu::TrapSeen& seen) {
  return cpu::list_encoding(seen.op->raw, seen.taken.epc, {});
}

// The block under construction: a label in front of the first of its lines.
class Block {
 public:
  explicit Block(std::string headline) : text_(std::move(headline) + "\n") {}
  void line(const std::string& label, const std::string& content) {
    text_ += "  " + padded(label == last_ ? "" : label, 13) + content + "\n";
    last_ = label;
  }
  std::string text() const { return text_; }

 private:
  std::string text_, last_;
};

std::string place_text(std::uint64_t address, const CodePlace& place) {
  std::string text = hex(address);
  if (!place.symbol.empty()) text += " <" + place.symbol + ">";
  if (!place.source.empty()) text += "  " + place.source;
  return text;
}

std::string modes(const cpu::TrapTaken& taken) {
  return std::string(mode_name(taken.from)) + " -> " + std::string(mode_name(taken.to));
}

std::string stage_name(const cpu::FaultSeen& fault, mmu::Stage stage) {
  if (stage == mmu::Stage::g_stage) return "G";
  return fault.space.virtualized ? "VS" : "first";
}

std::string scheme_name(const mmu::Root& root, bool g_stage) {
  if (root.scheme == nullptr) return "Bare";
  const unsigned bits = root.scheme->va_bits - root.scheme->root_extra_bits;
  return "Sv" + std::to_string(bits) + (g_stage ? "x4" : "");
}

std::string space_text(const cpu::FaultSeen& fault) {
  if (fault.space.privilege == isa::Privilege::machine) return "not translated (M-mode)";
  std::string text =
      "as " + std::string(mode_name({fault.space.privilege, fault.space.virtualized})) + "-mode, ";
  text += (fault.space.virtualized ? "vsatp " : "satp ") + scheme_name(fault.space.first, false);
  if (fault.space.virtualized) text += ", hgatp " + scheme_name(fault.space.g_stage, true);
  return text;
}

void fault_lines(Block& block, const cpu::HartState& hart, const cpu::FaultSeen& fault) {
  block.line("access", std::string(access_word(fault.access)) + " at " +
                           (fault.space.virtualized ? "guest virtual " : "") + hex(fault.address) + " (" +
                           space_text(fault) + ")");
  const bool g_stage =
      fault.kind == cpu::FaultSeen::Kind::translation && fault.why.stage == mmu::Stage::g_stage;
  if (g_stage) block.line("", "guest-physical address " + hex(fault.why.guest_physical.value));
  block.line("why", fault_words(hart, fault));
  if (fault.walk == nullptr) return;
  for (unsigned i = 0; i < fault.walk->count; ++i) {
    const mmu::PteRead& read = fault.walk->reads[i];
    block.line("walk", padded(stage_name(fault, read.stage) + " level " + std::to_string(read.level), 14) +
                           "PTE at " + hex(read.address.value) + " = " + hex16(read.value) + "  " +
                           pte_flags(read.value) + "  " + pte_words(read));
  }
  if (fault.walk->count == 0 && fault.kind == cpu::FaultSeen::Kind::translation)
    block.line("walk", "no PTE was read");
}

std::string headline(const Explained& trap) {
  const cpu::TrapTaken& taken = trap.seen.taken;
  const CauseName& cause = cause_name(taken.trap.interrupt, taken.trap.code);
  std::string text = "trap " + std::to_string(trap.number) + ": " + std::string(cause.title) + " (" +
                     std::to_string(taken.trap.code) + "), " + modes(taken);
  text += "   hart " + std::to_string(trap.hart.hart_id) + ", cycle " + std::to_string(trap.hart.cycle) +
          ", instruction " + std::to_string(trap.hart.retired);
  const std::string runner = runner_name(trap.config, trap.seen.vm, trap.seen.vcpu);
  return runner.empty() ? text : text + ", " + runner;
}

std::string next_text(const Explained& trap) {
  const cpu::TrapTaken& taken = trap.seen.taken;
  if (trap.seen.native)
    return "the hypervisor, which runs natively (hypervisor.run is \"host\"), not at stvec";
  return std::string(mode_name(taken.to)) + " at " +
         place_text(trap.hart.pc, trap.symbols.at(taken.to, trap.seen.vm, trap.hart.pc));
}

Json walk_json(const cpu::FaultSeen& fault) {
  Json walk = Json::array();
  for (unsigned i = 0; fault.walk != nullptr && i < fault.walk->count; ++i) {
    const mmu::PteRead& read = fault.walk->reads[i];
    walk.push_back({{"stage", stage_name(fault, read.stage)},
                    {"level", read.level},
                    {"address", hex(read.address.value)},
                    {"value", hex(read.value)},
                    {"write", read.write}});
  }
  return walk;
}

Json fault_json(const cpu::HartState& hart, const cpu::FaultSeen& fault) {
  Json json{{"access", access_word(fault.access)},
            {"address", hex(fault.address)},
            {"why", fault_words(hart, fault)},
            {"walk", walk_json(fault)}};
  if (fault.kind != cpu::FaultSeen::Kind::translation) return json;
  json["stage"] = stage_name(fault, fault.why.stage);
  json["level"] = fault.why.level;
  json["implicit"] = fault.why.implicit;
  if (fault.why.stage == mmu::Stage::g_stage) json["guest_physical"] = hex(fault.why.guest_physical.value);
  return json;
}

Json place_json(std::uint64_t address, const CodePlace& place) {
  Json json{{"address", hex(address)}};
  if (!place.symbol.empty()) json["symbol"] = place.symbol;
  if (!place.source.empty()) json["source"] = place.source;
  return json;
}

}  // namespace

std::string runner_name(const Config& config, std::uint32_t vm, std::uint32_t vcpu) {
  if (vm >= config.vms.size()) return {};
  return config.vms[vm].name + " VCPU " + std::to_string(vcpu);
}

std::string explain_text(const Explained& trap) {
  const cpu::TrapTaken& taken = trap.seen.taken;
  Block block(headline(trap));
  const CodePlace place = trap.symbols.at(taken.from, trap.seen.vm, taken.epc);
  block.line(taken.trap.interrupt ? "before" : "at", place_text(taken.epc, place));
  if (trap.seen.op != nullptr)
    block.line("instruction", padded(disassembled(trap.seen), 28) + " # " + encoding(*trap.seen.op));
  if (taken.trap.interrupt)
    for (const std::string& words : interrupt_words(trap.hart, taken)) block.line("why", words);
  if (trap.seen.fault != nullptr) fault_lines(block, trap.hart, *trap.seen.fault);
  if (const std::string why = illegal_words(trap.hart, trap.seen); !why.empty()) block.line("why", why);
  for (const std::string& words : delegation_words(trap.hart, taken)) block.line("delegation", words);
  for (const WrittenCsr& csr : written_csrs(trap.hart, trap.seen))
    block.line("written", padded(std::string(csr.name), 9) + hex16(csr.value) +
                              (csr.note.empty() ? "" : "  " + csr.note));
  block.line("next", next_text(trap));
  return block.text() + "\n";
}

Json explain_json(const Explained& trap) {
  const cpu::TrapTaken& taken = trap.seen.taken;
  Json json{{"kind", "trap"},
            {"number", trap.number},
            {"hart", trap.hart.hart_id},
            {"cycle", trap.hart.cycle},
            {"instruction_count", trap.hart.retired},
            {"cause", cause_name(taken.trap.interrupt, taken.trap.code).key},
            {"code", taken.trap.code},
            {"interrupt", taken.trap.interrupt},
            {"from", mode_name(taken.from)},
            {"to", mode_name(taken.to)},
            {"pc", place_json(taken.epc, trap.symbols.at(taken.from, trap.seen.vm, taken.epc))},
            {"delegation", delegation_words(trap.hart, taken)},
            {"native", trap.seen.native}};
  if (trap.seen.vm < trap.config.vms.size()) {
    json["vm"] = trap.config.vms[trap.seen.vm].name;
    json["vcpu"] = trap.seen.vcpu;
  }
  if (trap.seen.op != nullptr)
    json["instruction"] = {{"encoding", "0x" + encoding(*trap.seen.op)}, {"text", disassembled(trap.seen)}};
  if (taken.trap.interrupt) json["why"] = interrupt_words(trap.hart, taken);
  if (trap.seen.fault != nullptr) json["fault"] = fault_json(trap.hart, *trap.seen.fault);
  if (const std::string why = illegal_words(trap.hart, trap.seen); !why.empty()) json["why"] = why;
  for (const WrittenCsr& csr : written_csrs(trap.hart, trap.seen))
    json["written"][std::string(csr.name)] = hex(csr.value);
  if (!trap.seen.native)
    json["next"] = place_json(trap.hart.pc, trap.symbols.at(taken.to, trap.seen.vm, trap.hart.pc));
  return json;
}

}  // namespace hvsim::sim
