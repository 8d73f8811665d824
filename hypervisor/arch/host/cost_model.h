// What the hypervisor's work costs when it runs natively: one price per kind of work, all of them cycles.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "hypervisor/work.h"
#include "models/cpu/isa/types.h"

namespace hv {

inline constexpr std::size_t kWorks = static_cast<std::size_t>(Work::count);

// The one list of all kinds of work: their keys in configs and statistics, and what they cost. `code_bytes`
// is how much of the target's image is executed for it, however many units are done in a row: counted in
// traces of it (docs/experiments/host_code.py).
struct Price {
  Work work;
  std::string_view name;
  std::uint32_t cycles;  // per unit, if a config does not say otherwise
  std::uint16_t code_bytes;
  std::string_view help;
};

// Prices are those of configs/host-costs/default.json: `hvsim calibrate` on the default machine. Guest memory
// and page tables are not in here: the machine's cache model prices them (HostHart::touch), and so it does
// the hypervisor's own code and data with `own_lines`. Nor are trap entry and SRET: the hart's timing charges
// those.
inline constexpr std::array<Price, kWorks> kPrices{{
    {Work::general_register, "general_register", 6, 320,
     "per integer register moved (31 per exit and entry)"},
    {Work::csr, "csr", 0, 0, "per CSR read or write"},
    {Work::fp_register, "fp_register", 3, 280, "per floating-point register moved"},
    {Work::exit_dispatch, "exit_dispatch", 175, 576, "per exit, to find out why"},
    {Work::hypercall_dispatch, "hypercall_dispatch", 79, 300,
     "per hypercall or SBI call, beside its routine"},
    {Work::answer, "answer", 216, 200, "per call that is answered in its trap"},
    {Work::routine_iteration, "routine_iteration", 8, 42, "per iteration of a hypercall routine"},
    {Work::deferral, "deferral", 222, 700, "per trap that brings calls to be queued"},
    {Work::enqueue, "enqueue", 113, 470, "per deferrable call queued"},
    {Work::drain_check, "drain_check", 123, 150, "per look whether a queue has work"},
    {Work::drain_run, "drain_run", 498, 300, "per run of calls of one VM from a queue, beside each of them"},
    {Work::drain_entry, "drain_entry", 0, 420, "per call taken from the queue, beside running it"},
    {Work::run_call, "run_call", 262, 350, "per deferrable call run, beside its routine"},
    {Work::trap_run, "trap_run", 0, 160, "per trap whose deferrable calls run in it, beside each of them"},
    {Work::publish, "publish", 78, 64, "to tell a VM what has run, per run of calls"},
    {Work::ring_look, "ring_look", 151, 100, "per look at a VCPU's ring, beside the access"},
    {Work::ring_entry, "ring_entry", 175, 300, "per call taken from a ring, beside the copy"},
    {Work::ring_update, "ring_update", 78, 160, "to tell a guest how far its ring has been taken over"},
    {Work::schedule, "schedule", 179, 350, "per scheduler decision"},
    {Work::vcpu_switch, "vcpu_switch", 235, 320, "when another VCPU gets the hart"},
    {Work::interrupt_merge, "interrupt_merge", 174, 640, "per VM entry, to find virtual interrupts"},
    {Work::timer, "timer", 0, 80, "to program the hart's timer"},
    {Work::ipi, "ipi", 927, 1280, "to interrupt another hart (through the firmware), until that is done"},
    {Work::ipi_return, "ipi_return", 263, 0, "to come back from the firmware then"},
    {Work::fence, "fence", 588, 96, "per translation fence on one hart"},
    {Work::lock, "lock", 95, 24, "to take and release a free lock"},
    {Work::lock_wait, "lock_wait", 1, 0, "per cycle for which a taken lock is waited for"},
    {Work::console_byte, "console_byte", 104, 160, "per character written to the UART"},
    {Work::device_access, "device_access", 550, 820, "per access to an emulated device"},
    {Work::disk_request, "disk_request", 0, 400, "per request to an emulated disk, beside what it moves"},
    {Work::map_entry, "map_entry", 383, 300, "per entry of a memory map looked at"},
    {Work::content_word, "content_word", 6, 120, "per eight bytes of a page hashed or compared"},
    {Work::copy_line, "copy_line", 3, 140, "per 64-byte line copied"},
    {Work::zero_line, "zero_line", 12, 40, "per 64-byte line filled with zeros"},
    {Work::guest_piece, "guest_piece", 301, 200,
     "per piece of guest memory found to be copied, beside the words of its tables"},
    {Work::word_access, "word_access", 26, 96, "per word of RAM or page-table entry read or written"},
    {Work::next_word, "next_word", 10, 40, "per such word behind the last one, in a loop"},
    {Work::pool_call, "pool_call", 235, 120, "per call of the pool of pages, beside each of them"},
    {Work::pool_page, "pool_page", 16, 40, "per page marked as taken or free in the pool"},
    {Work::time_read, "time_read", 62, 0, "per look at the time"},
    {Work::state_change, "state_change", 0, 465, "per change of a VCPU's state in the scheduler"},
    {Work::line_move, "line_move", 60, 690, "per VCPU that enters or leaves a line of those that wait"},
    {Work::preempt, "preempt", 696, 900, "to take the hart from a VCPU that could go on"},
    {Work::block, "block", 605, 700, "to take the hart from a VCPU that waits"},
    {Work::unload, "unload", 441, 233, "to take a VCPU's registers off the hart, beside them"},
    {Work::take, "take", 0, 890, "to find a VCPU for a hart that has none"},
    {Work::wake, "wake", 1339, 455, "per VCPU that waited and may run again"},
    {Work::expiry, "expiry", 0, 160, "per timer interrupt of the hart"},
    {Work::time_emulation, "time_emulation", 740, 960,
     "per call of the firmware: for the time without that CSR, for the timer without Sstc"},
    {Work::redirection, "redirection", 694, 1056, "per trap that the firmware hands on to the hypervisor"},
    {Work::page_hint, "page_hint", 185, 200, "per hint about pages of a guest's memory"},
    {Work::hint_word, "hint_word", 20, 0, "per 64 pages that such a hint is about"},
    {Work::vcpu_start, "vcpu_start", 250, 700, "per VCPU that another one starts"},
    {Work::vm_end, "vm_end", 0, 1400, "per half of what ends a VM: telling it, and taking it apart"},
    {Work::ipi_receipt, "ipi_receipt", 208, 768,
     "per interrupt from another hart that the firmware hands on"},
    {Work::timer_receipt, "timer_receipt", 450, 512,
     "per timer interrupt that the firmware hands on, without Sstc"},
    {Work::line_look, "line_look", 12, 40, "per VCPU that waits or runs, looked at in search of who is next"},
    {Work::weighing, "weighing", 0, 120, "per time that is weighed by a VM's share (credit)"},
    {Work::cold_line, "cold_line", 0, 0, "per line of code that was not in the L1I, beside the miss"},
    {Work::idle, "idle", 0, 340, "to wait for an interrupt, and to go on after it"},
}};
static_assert([] {
  for (std::size_t i = 0; i < kWorks; ++i)
    if (kPrices[i].work != static_cast<Work>(i) || kPrices[i].name.empty()) return false;
  return true;
}());

struct CostModel {
  std::array<std::uint32_t, kWorks> prices = [] {  // cycles, by Work
    std::array<std::uint32_t, kWorks> usual{};
    for (std::size_t i = 0; i < kWorks; ++i) usual[i] = kPrices[i].cycles;
    return usual;
  }();
  bool own_lines = true;  // the hypervisor's own code and data go through the caches

  constexpr std::uint32_t& operator[](Work work) { return prices[static_cast<std::size_t>(work)]; }
  constexpr std::uint32_t operator[](Work work) const { return prices[static_cast<std::size_t>(work)]; }
  constexpr hvsim::isa::Cycles cycles(Work work) const { return (*this)[work]; }
};

}  // namespace hv
