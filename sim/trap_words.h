// Why a trap happened and where it went, in the words of the privileged manual.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/cpu/hart_state.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/observer.h"
#include "models/mmu/mmu.h"

namespace hvsim::sim {

struct CauseName {
  bool interrupt;
  std::uint8_t code;
  std::string_view key;    // in filters and JSON: "load_guest_page_fault"
  std::string_view title;  // "load guest-page fault"
};
// All of them, exceptions first, by code. An unknown code has the key "unknown".
const std::vector<CauseName>& cause_names();
const CauseName& cause_name(bool interrupt, unsigned code);

std::string_view access_word(isa::Access access);  // "fetch", "load", ..

// Who decided where the trap goes: a sentence per register looked at.
std::vector<std::string> delegation_words(const cpu::HartState& hart, const cpu::TrapTaken& taken);

// What made an interrupt due: the bits of mip and mie, and the global enable.
std::vector<std::string> interrupt_words(const cpu::HartState& hart, const cpu::TrapTaken& taken);

// Why the access failed: stage, level and the rule of the manual's walk that it broke.
std::string fault_words(const cpu::HartState& hart, const cpu::FaultSeen& fault);

// "DAGUXWRV" with '-' for what is clear; then what the PTE is.
std::string pte_flags(std::uint64_t pte);
std::string pte_words(const mmu::PteRead& read);

// Why an instruction was illegal, as far as the encoding and FS tell; may be empty.
std::string illegal_words(const cpu::HartState& hart, const cpu::TrapSeen& seen);

struct WrittenCsr {
  std::string_view name;
  std::uint64_t value;
  std::string note;  // may be empty
};
std::vector<WrittenCsr> written_csrs(const cpu::HartState& hart, const cpu::TrapSeen& seen);

}  // namespace hvsim::sim
