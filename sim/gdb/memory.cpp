// Walks without effects, and what they met in words.
#include "sim/gdb/memory.h"

#include <algorithm>
#include <cstdio>
#include <span>

#include "models/cpu/address_space.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/observer.h"
#include "sim/trap_words.h"

namespace hvsim::gdb {
namespace {

using isa::Access;
using isa::Privilege;

std::string hex0x(std::uint64_t value) {
  char text[19];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

// The space with the rights that the mode has in it.
mmu::AddressSpace space_of(cpu::HartState hart, Space space) {
  hart.csr.mstatus &= ~isa::csr::kMprv;
  switch (space) {
    case Space::current:
      break;
    case Space::physical:
      hart.mode = {Privilege::machine, false};
      break;
    case Space::supervisor:
      hart.mode = {Privilege::supervisor, false};
      break;
    case Space::guest:
      hart.mode = {Privilege::supervisor, true};
      break;
    case Space::guest_physical:
      hart.mode = {Privilege::supervisor, true};
      hart.csr.vsatp = 0;
      break;
  }
  return cpu::fetch_space(hart);
}

// The same without rights in the way: S-mode with SUM and MXR may read every leaf.
mmu::AddressSpace unhindered(mmu::AddressSpace space) {
  if (space.privilege != Privilege::machine) space.privilege = Privilege::supervisor;
  space.sum = space.mxr_first = space.mxr_g_stage = true;
  space.hardware_ad_first = space.hardware_ad_g_stage = true;
  return space;
}

mmu::Pmp pmp_of(const cpu::HartState& hart) {
  mmu::Pmp pmp;
  const auto entries = hart.isa_config.pmp_entries;
  pmp.update(std::span(hart.csr.pmpcfg).first(entries), std::span(hart.csr.pmpaddr).first(entries));
  return pmp;
}

std::string pte_bits(std::uint64_t pte) {
  std::string text;
  for (const auto& [bit, letter] :
       {std::pair{isa::pte::d, 'd'}, std::pair{isa::pte::a, 'a'}, std::pair{isa::pte::g, 'g'},
        std::pair{isa::pte::u, 'u'}, std::pair{isa::pte::x, 'x'}, std::pair{isa::pte::w, 'w'},
        std::pair{isa::pte::r, 'r'}, std::pair{isa::pte::v, 'v'}})
    text += (pte & bit) != 0 ? letter : '-';
  return text;
}

const char* stage_name(mmu::Stage stage) { return stage == mmu::Stage::first ? "first stage" : "G-stage"; }

std::string reason(const cpu::HartState& hart, Access access, std::uint64_t address,
                   const mmu::AddressSpace& space, const mmu::TranslationFault& fault) {
  std::string text = sim::fault_words(hart, {.kind = cpu::FaultSeen::Kind::translation,
                                             .access = access,
                                             .address = address,
                                             .space = space,
                                             .why = fault});
  if (fault.stage == mmu::Stage::g_stage) text += "; guest-physical " + hex0x(fault.guest_physical.value);
  return text;
}

}  // namespace

DebugMemory::DebugMemory(mem::PhysicalMemory& memory) : memory_(memory) { no_pmp_.update({}, {}); }

isa::Result<mmu::Translation, mmu::TranslationFault> DebugMemory::translate(const cpu::HartState& hart,
                                                                            Space space,
                                                                            std::uint64_t address,
                                                                            mmu::WalkTrace& trace) const {
  const mmu::Mmu mmu(memory_, no_pmp_, mmu::Mmu::Updates::left);
  return mmu.translate(isa::Gva{address}, Access::load, 1, unhindered(space_of(hart, space)), trace);
}

std::string DebugMemory::read(const cpu::HartState& hart, Space space, std::uint64_t address,
                              std::uint64_t bytes) const {
  std::string result;
  while (result.size() < bytes) {
    mmu::WalkTrace trace;
    const std::uint64_t at = address + result.size();
    const auto place = translate(hart, space, at, trace);
    const std::uint64_t here =
        std::min<std::uint64_t>(bytes - result.size(), isa::kPageBytes - (at & isa::kPageMask));
    const std::uint8_t* host = place ? memory_.host_readable(place->address, here) : nullptr;
    if (host == nullptr) break;
    result.append(reinterpret_cast<const char*>(host), here);
  }
  return result;
}

bool DebugMemory::write(const cpu::HartState& hart, Space space, std::uint64_t address,
                        std::string_view bytes) {
  std::vector<std::pair<std::uint8_t*, std::string_view>> pieces;
  while (!bytes.empty()) {
    mmu::WalkTrace trace;
    const auto place = translate(hart, space, address, trace);
    const std::uint64_t here =
        std::min<std::uint64_t>(bytes.size(), isa::kPageBytes - (address & isa::kPageMask));
    std::uint8_t* host = place ? memory_.host(place->address, here) : nullptr;
    if (host == nullptr) return false;
    pieces.emplace_back(host, bytes.substr(0, here));
    bytes.remove_prefix(here);
    address += here;
  }
  for (const auto& [host, piece] : pieces) std::copy(piece.begin(), piece.end(), host);
  return true;
}

Examined DebugMemory::examine(const cpu::HartState& hart, Space space, std::uint64_t address) const {
  Examined seen;
  seen.space = space_of(hart, space);
  seen.place = translate(hart, space, address, seen.walk);
  if (!seen.place) {
    seen.why_not = reason(hart, Access::load, address, seen.space, seen.place.error());
    return seen;
  }
  const mmu::Pmp pmp = pmp_of(hart);
  const mmu::Mmu mmu(memory_, pmp, mmu::Mmu::Updates::left);
  constexpr std::array accesses{std::pair{"load", Access::load}, std::pair{"store", Access::store},
                                std::pair{"fetch", Access::fetch}};
  for (std::size_t i = 0; i < accesses.size(); ++i) {
    mmu::WalkTrace unused;
    const auto allowed = mmu.translate(isa::Gva{address}, accesses[i].second, 1, seen.space, unused);
    seen.verdicts[i].access = accesses[i].first;
    if (!allowed)
      seen.verdicts[i].why_not = reason(hart, accesses[i].second, address, seen.space, allowed.error());
  }
  return seen;
}

std::string DebugMemory::explain(const cpu::HartState& hart, Space space, std::uint64_t address) const {
  const Examined seen = examine(hart, space, address);
  if (!mmu::translates(seen.space)) return hex0x(address) + " is physical: nothing translates it\n";
  std::string text;
  for (unsigned i = 0; i < seen.walk.count; ++i) {
    const mmu::PteRead& read = seen.walk.reads[i];
    text += std::string(stage_name(read.stage)) + " level " + std::to_string(read.level) + ": PTE at " +
            hex0x(read.address.value) + " = " + hex0x(read.value) + " " + pte_bits(read.value) + "\n";
  }
  if (!seen.place) return text + hex0x(address) + " has no translation: " + seen.why_not + "\n";
  text += hex0x(address) + " -> ";
  if (seen.space.virtualized) text += "guest-physical " + hex0x(seen.place->guest_physical.value) + " -> ";
  text += "physical " + hex0x(seen.place->address.value) + "\n";
  for (const Examined::Verdict& verdict : seen.verdicts)
    text +=
        std::string(verdict.access) + ": " + (verdict.why_not.empty() ? "allowed" : verdict.why_not) + "\n";
  return text;
}

}  // namespace hvsim::gdb
