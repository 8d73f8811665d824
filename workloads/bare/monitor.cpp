// Machine-mode set-up and traps: gives S-mode what a VM gets (boot information, SBI TIME, hypercalls).
#include "workloads/bare/monitor.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "models/cpu/isa/cause.h"
#include "workloads/bare/board.h"
#include "workloads/bare/device_tree.h"
#include "workloads/runtime/arguments.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/format.h"

extern "C" char image_start[], image_end[];

// Arguments where no device tree brings any; a build may override them.
extern "C" [[gnu::weak]] const char default_arguments[] = "";

namespace bare {

namespace {

namespace csr = hvsim::isa::csr;
using guest::csr_clear, guest::csr_read, guest::csr_set, guest::csr_write;
using hvsim::isa::Exception, hvsim::isa::Interrupt;

constexpr std::uint64_t kSbiTime = 0x54494D45;
constexpr std::uint64_t kDefaultMemoryBytes = 16 << 20, kDefaultTimebaseHz = 10'000'000;

constinit Monitor monitor;

// Value of "bare.<name>=" among the arguments, or `fallback`.
std::uint64_t option(std::string_view text, std::string_view key, std::uint64_t fallback) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return fallback;
  const std::size_t begin = at + key.size();
  const std::size_t blank = text.find(' ', begin);
  const std::string_view value =
      guest::slice(text, begin, blank == std::string_view::npos ? text.size() : blank);
  std::uint64_t number = fallback;
  return guest::parse_number(value, number) ? number : fallback;
}

void fill_boot_info(const void* tree) {
  const BoardFacts facts = read_device_tree(tree);
  const std::string_view arguments =
      facts.bootargs.empty() ? std::string_view{default_arguments} : facts.bootargs;
  hv::abi::BootInfo& info = monitor.boot_info;
  info.magic = hv::abi::kBootMagic;
  info.vcpus = 1;
  info.memory_base = reinterpret_cast<std::uint64_t>(image_start);
  info.memory_bytes = facts.memory_bytes != 0 ? facts.memory_bytes : kDefaultMemoryBytes;
  info.shared_page = reinterpret_cast<std::uint64_t>(shared_page());
  info.timebase_hz = facts.timebase_hz != 0 ? facts.timebase_hz : kDefaultTimebaseHz;
  info.calls_per_notification =
      static_cast<std::uint32_t>(option(arguments, "bare.calls_per_notification=", 0));
  info.delivery = static_cast<std::uint32_t>(info.calls_per_notification == 0 ? hv::abi::Delivery::immediate
                                                                              : hv::abi::Delivery::dlh);
  info.sstc = static_cast<std::uint32_t>(option(arguments, "bare.sstc=", 0));
  monitor.print_instructions = option(arguments, "bare.instructions=", 0) != 0;
  const std::size_t length = std::min(arguments.size(), sizeof info.arguments - 1);
  std::memcpy(info.arguments, arguments.data(), length);
}

// S-mode may touch all of memory, takes its own traps, reads the counters, uses floating point.
void open_supervisor_mode() {
  constexpr std::uint64_t kNapotReadWriteExecute = 0x1F;
  csr_write<csr::pmpaddr0>(~std::uint64_t{0});
  csr_write<csr::pmpcfg0>(kNapotReadWriteExecute);
  csr_write<csr::medeleg>(0xFFFF & ~bit(Exception::ecall_from_s) & ~bit(Exception::ecall_from_m));
  csr_write<csr::mideleg>(bit(Interrupt::supervisor_software) | bit(Interrupt::supervisor_timer) |
                          bit(Interrupt::supervisor_external));
  csr_write<csr::mcounteren>(csr::kCy | csr::kTm | csr::kIr);
  if (monitor.boot_info.sstc != 0) csr_set<csr::menvcfg>(csr::kStce);
  csr_write<csr::satp>(0);
  csr_clear<csr::mstatus>(csr::kMpp | csr::kMpie | csr::kSie | csr::kFs);
  csr_set<csr::mstatus>(std::uint64_t{1} << csr::kMppShift);
}

Answer sbi_call(Frame& frame) {
  const std::uint64_t extension = frame.a(7), function = frame.a(6);
  if (extension == kSbiTime && function == 0) {
    csr_clear<csr::mip>(bit(Interrupt::supervisor_timer));
    set_machine_timer(frame.a(0));
    csr_set<csr::mie>(bit(Interrupt::machine_timer));
    return {};
  }
  if (extension != hv::abi::kHypercallExtension || function >= hv::abi::kHypercallCount)
    return {hv::abi::kErrorNotSupported};
  return hypercall(monitor, {static_cast<std::uint32_t>(function),
                             static_cast<std::uint32_t>(frame.a(5)),
                             {frame.a(0), frame.a(1), frame.a(2), frame.a(3), frame.a(4)}});
}

[[noreturn]] void report_and_stop(const Frame& frame, std::uint64_t cause) {
  guest::FormatBuffer buffer;
  put("monitor: unexpected trap: mcause ");
  put(format(guest::Hex{cause}, buffer));
  put(" mepc ");
  put(format(guest::Hex{frame.pc}, buffer));
  put("\n");
  finish(0xFF);
}

}  // namespace

void stop(const Monitor& state, std::uint64_t code) {
  if (state.print_instructions) {
    guest::FormatBuffer buffer;
    put("instructions ");
    put(format(guest::Decimal{csr_read<csr::minstret>()}, buffer));
    put("\n");
  }
  finish(code);
}

}  // namespace bare

// Called by start.S; the result goes to S-mode in a1.
extern "C" const hv::abi::BootInfo* monitor_setup(const void* tree);
extern "C" void monitor_trap(bare::Frame& frame);

extern "C" const hv::abi::BootInfo* monitor_setup(const void* tree) {
  bare::fill_boot_info(tree);
  bare::open_supervisor_mode();
  return &bare::monitor.boot_info;
}

extern "C" void monitor_trap(bare::Frame& frame) {
  using namespace bare;
  const std::uint64_t cause = csr_read<csr::mcause>();
  if (cause == (hvsim::isa::kInterruptBit | static_cast<unsigned>(Interrupt::machine_timer))) {
    csr_clear<csr::mie>(bit(Interrupt::machine_timer));
    csr_set<csr::mip>(bit(Interrupt::supervisor_timer));
    return;
  }
  if (cause != static_cast<unsigned>(Exception::ecall_from_s)) report_and_stop(frame, cause);
  const Answer answer = sbi_call(frame);
  frame.a(0) = static_cast<std::uint64_t>(answer.error);
  frame.a(1) = answer.value;
  frame.pc += 4;
}
