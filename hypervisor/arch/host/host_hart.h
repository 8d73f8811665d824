// What the natively running hypervisor needs from one modelled hart; the simulator implements it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "hypervisor/fence.h"
#include "hypervisor/work.h"
#include "models/cpu/isa/native_work.h"
#include "models/cpu/isa/types.h"

namespace hv {

// One kind of work, and what it takes. Lines of its code stand for kExecutedBytes of it each: on the target
// 36 bytes of a line are executed, and a tenth of them for more than one kind of work. They are spread over
// kTouchedBytes: there they lie in 2.8 of four pieces of 16 bytes.
inline constexpr std::uint64_t kCodeLineBytes = 64, kExecutedBytes = 40, kTouchedBytes = 44;
struct WorkKind {
  Work why{};
  hvsim::isa::NativeWork takes{.line_bytes = kCodeLineBytes, .touched_bytes = kTouchedBytes};
};

class HostHart {
 public:
  virtual ~HostHart() = default;

  virtual unsigned id() const = 0;  // hart id, 0..63

  // Registers of the hart itself. x()[0] is zero and is never written by the hypervisor.
  virtual std::span<std::uint64_t, 32> x() = 0;
  virtual std::span<std::uint64_t, 32> f() = 0;
  virtual std::uint64_t csr(unsigned number) = 0;  // as HS-mode reads and writes it, with all side effects
  virtual void write_csr(unsigned number, std::uint64_t value) = 0;

  // What HLVX.HU at this virtual address of the guest reads, and the halfword behind it unless the first is a
  // compressed instruction. Empty: it faults.
  virtual std::optional<std::uint32_t> guest_instruction(std::uint64_t pc) = 0;

  // RAM, without time. Ranges always lie in the RAM that boot() was told of. Writes must be seen by whoever
  // caches decoded instructions.
  virtual void read(hvsim::isa::Hpa from, void* to, std::size_t bytes) = 0;
  virtual void write(hvsim::isa::Hpa to, const void* from, std::size_t bytes) = 0;
  virtual void zero(hvsim::isa::Hpa at, std::uint64_t bytes) = 0;
  // The time that such an access takes: through this hart's caches.
  virtual void touch(hvsim::isa::Hpa at, std::uint64_t bytes, bool is_write) = 0;

  // Time. cycles() includes all that was charged so far.
  virtual hvsim::isa::Cycles cycles() = 0;
  virtual bool first() = 0;           // no hart has a turn before this one's time
  virtual bool ahead() = 0;           // of others, who should be entered before more is done: see ArchPort
  virtual std::uint64_t ticks() = 0;  // the `time` CSR
  virtual void charge(const WorkKind& work, std::uint64_t units) = 0;  // fetches the code first
  virtual bool time_by_firmware() const = 0;                           // there is no `time` CSR
  virtual bool timer_by_firmware() const = 0;                          // there is no stimecmp (Sstc)
  // Neither the trap that led to this entry of the hypervisor nor the return to the guest takes time.
  virtual void forgive_trap() = 0;

  // The machine around it.
  virtual void set_timer(std::uint64_t ticks) = 0;  // STIP is pending from then on and not before; ~0: never
  virtual void send_ipi(unsigned hart) = 0;         // pends SSIP in that hart
  virtual void fence(const GuestFence& fence) = 0;  // on every hart in fence.harts
  virtual void mark(std::uint16_t kind, std::uint64_t value) = 0;  // isa::MarkKind
  virtual void console(std::string_view text) = 0;                 // to the machine's UART
  virtual void power_off(unsigned code) = 0;                       // the whole machine; 0 = passed
};

}  // namespace hv
