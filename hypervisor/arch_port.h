// What the core needs from a machine. `hv::Arch` comes from the "arch.h" on the include path: arch/riscv,
// arch/host, or a test's fake; it is a concrete class, so nothing in the core is virtual or a template.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "hypervisor/fence.h"
#include "hypervisor/registers.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/work.h"
#include "models/cpu/isa/mark.h"
#include "models/cpu/isa/types.h"

namespace hv {

using hvsim::isa::Cycles;
using hvsim::isa::DeliveryEvent;
using hvsim::isa::Gpa;
using hvsim::isa::Hpa;
using hvsim::isa::HypervisorPhase;
using hvsim::isa::MarkKind;

template <class A>
concept ArchPort = requires(A arch, const A view, Hpa at, std::uint64_t word, void* out, const void* in,
                            std::size_t bytes, GuestFence fence, Vcpu& vcpu, RegisterGroup group,
                            typename A::Lock lock, typename A::Turn turn, unsigned number,
                            std::string_view text, MarkKind kind, Work work, bool truth) {
  { view.hart() } -> std::same_as<unsigned>;               // which hart this is, 0..kMaxHarts-1
  { arch.read_word(at) } -> std::same_as<std::uint64_t>;   // aligned 8 bytes, in one access
  { arch.write_word(at, word) } -> std::same_as<void>;     // aligned 8 bytes, in one access
  { arch.or_word(at, word) } -> std::same_as<void>;        // aligned 8 bytes, atomic
  { arch.copy_in(out, at, bytes) } -> std::same_as<void>;  // from RAM to the hypervisor
  { arch.copy_out(at, in, bytes) } -> std::same_as<void>;  // from the hypervisor to RAM
  { arch.zero(at, word) } -> std::same_as<void>;           // `word` bytes of RAM
  // The instruction at a virtual address of the guest that has just left this hart; a compressed one may have
  // anything in its upper half. Empty: the guest itself could not fetch it any more.
  { arch.guest_instruction(word) } -> std::same_as<std::optional<std::uint32_t>>;
  { arch.fence(fence) } -> std::same_as<void>;
  { arch.save(vcpu, group) } -> std::same_as<void>;     // hart -> VCPU
  { arch.restore(vcpu, group) } -> std::same_as<void>;  // VCPU -> hart
  { arch.set_timer(word) } -> std::same_as<void>;       // ticks of the next timer interrupt, or kNever
  { arch.send_ipi(number) } -> std::same_as<void>;
  { arch.lock(lock) } -> std::same_as<void>;  // nobody waits for ever while others get it again and again
  { arch.unlock(lock) } -> std::same_as<void>;
  { arch.pause() } -> std::same_as<void>;           // in each round of a loop that waits for another hart
  { arch.cycles() } -> std::same_as<Cycles>;        // of this hart
  { arch.ticks() } -> std::same_as<std::uint64_t>;  // of the time base
  { arch.console(text) } -> std::same_as<void>;     // all of it, not mixed with other harts' text
  { arch.mark(kind, word) } -> std::same_as<void>;
  { arch.charge(work, word) } -> std::same_as<void>;  // `word` units of work were done
  // The core uses its own data there, beside what other operations name: where caches must be told of that.
  { arch.uses(in, bytes, truth) } -> std::same_as<void>;
  // What one hart at a time may do for a while. Where harts are entered one after the other though their
  // times overlap, `taken` says that another hart is at it at this hart's time; elsewhere the core knows by
  // itself.
  { arch.takes(turn) } -> std::same_as<void>;
  { arch.leaves(turn) } -> std::same_as<void>;
  { view.taken(turn) } -> std::same_as<bool>;
  { arch.await(turn, word) } -> std::same_as<void>;  // until it is not, `word` cycles at most
  // Where harts are entered one after the other: this one has gone on for so long that others should be
  // entered before it goes on. Not so when it has just been entered.
  { arch.ahead() } -> std::same_as<bool>;
  // Where harts are entered one after the other: others should be entered before this one does what depends
  // on what they do until its time. Whoever is told so once comes back here, and is not told again.
  { arch.meets() } -> std::same_as<bool>;
  // From now on, or no longer, nothing takes time. False: here everything takes the time that it takes.
  { arch.free_of_charge(truth) } -> std::same_as<bool>;
};

}  // namespace hv
