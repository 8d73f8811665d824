// The port's loop: boots the core on one hart, starts the others, and turns each trap into the next entry.
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include "hypervisor/arch/riscv/world_switch.h"
#include "hypervisor/bits.h"
#include "hypervisor/delegation.h"
#include "hypervisor/hypervisor.h"

extern "C" const char image_start, image_end;
extern "C" hv::Inspection hypervisor_inspection;  // debuggers find it by this name
hv::Inspection hypervisor_inspection;

namespace hv {
namespace {

namespace csr = hvsim::isa::csr;
using riscv::read_csr;
using riscv::write_csr;

constexpr std::size_t kStackBytes = 16384;
constexpr std::uint32_t kBootFailed = 2;  // exit code: the bundle or the machine is unfit
constexpr std::uint32_t kOwnBug = 3;      // exit code: the hypervisor trapped
constexpr std::uint64_t kMaxTreeBytes = 1u << 20;

// The top of each stack carries the number of the hart whose stack it is.
struct alignas(16) Stack {
  std::byte room[kStackBytes - 16];
  std::uint64_t hart;
  std::uint64_t unused;
};
static_assert(sizeof(Stack) == std::size_t{1} << 14 && offsetof(Stack, hart) == sizeof(Stack) - 16,
              "as boot.S has it");

[[gnu::section(".stacks,\"aw\",@nobits#")]] Stack stacks[kMaxHarts];
alignas(Hypervisor)
    [[gnu::section(".constructed,\"aw\",@nobits#")]] std::byte core_storage[sizeof(Hypervisor)];

riscv::Board board;
Hypervisor& core() { return *std::launder(reinterpret_cast<Hypervisor*>(core_storage)); }

void set_up_hart() {
  write_csr<csr::satp>(0);
  write_csr<csr::hedeleg>(kDelegatedExceptions);
  write_csr<csr::hideleg>(kDelegatedInterrupts);
  write_csr<csr::hvip>(0);
  write_csr<csr::htimedelta>(0);
  write_csr<csr::hcounteren>(kGuestCounters);
  write_csr<csr::sie>(kSoftwareInterrupt | kTimerInterrupt);
  riscv_hfence_gvma();
  asm volatile("fence.i");
}

// The loop that the core does not own: idle until somebody can run, then make its context ready.
GeneralRegisters* run(Arch& arch, Vcpu* next, Stack& stack) {
  while (next == nullptr || (next = core().prepare_entry(arch, *next)) == nullptr) {
    if (core().all_off()) board.power_off(core().exit_code());
    core().rest(arch);
    // An interrupt of the guest that was here last would end WFI, too, if vsie enables it, and again and
    // again.
    write_csr<csr::hvip>(0);
    asm volatile("wfi");
    riscv::clear_csr_bits<csr::sip>(kSoftwareInterrupt);
    next = core().resume_idle(arch);
  }
  next->general.port = reinterpret_cast<std::uint64_t>(&stack.hart);
  return &next->general;
}

[[noreturn]] void poll_for_ever(Arch& arch) {
  while (!core().all_off()) core().poll(arch);
  board.power_off(core().exit_code());
}

[[noreturn]] void start_hart(unsigned hart) {
  set_up_hart();
  stacks[hart].hart = hart;
  Arch arch(board, hart);
  if (core().polls(arch)) poll_for_ever(arch);
  riscv_enter_guest(run(arch, core().resume_idle(arch), stacks[hart]));
}

[[noreturn]] void refuse(std::string_view why) {
  board.print("[hv] cannot start: ");
  board.print(why);
  board.print("\n");
  board.power_off(kBootFailed);
}

// With a mode, for with Bare all other fields must be written as zero ("Hypervisor Guest Address Translation
// and Protection Register"). What is cached under it meanwhile goes when the hart is set up.
unsigned vmid_bits() {
  write_csr<csr::hgatp>(csr::kModeSv39 << csr::kAtpModeShift | csr::kVmidMask << csr::kVmidShift);
  const std::uint64_t kept = (read_csr<csr::hgatp>() >> csr::kVmidShift) & csr::kVmidMask;
  write_csr<csr::hgatp>(0);
  return kept == 0 ? 0 : highest_bit(kept) + 1;
}

std::span<const std::byte> tree_at(std::uint64_t address) {
  const std::span<const std::byte> header{reinterpret_cast<const std::byte*>(address), 8};
  const std::uint64_t bytes = fdt_cells(header, 1, 1);
  return {header.data(), bytes < kMaxTreeBytes ? bytes : kMaxTreeBytes};
}

Platform find_platform(std::uint64_t device_tree) {
  const auto blob = tree_at(device_tree);
  const auto tree = FdtReader::open(blob);
  if (!tree) refuse("the firmware's device tree is malformed");
  auto platform = read_platform(*tree);
  if (!platform) refuse("the firmware's device tree lacks memory, harts or a time base");
  platform->sstc = riscv_has_stimecmp();
  platform->vmid_bits = vmid_bits();
  // Firmware before the image, the image with its stacks, and the tree.
  const auto end = reinterpret_cast<std::uint64_t>(&image_end);
  const bool fits = platform->reserve({platform->ram.base, end - platform->ram.base.value}) &&
                    platform->reserve({Hpa{device_tree}, blob.size()});
  if (!fits) refuse("too many reserved memory regions");
  return *platform;
}

void start_other_harts(unsigned boot_hart, std::uint64_t harts) {
  for (unsigned hart = 0; hart < kMaxHarts; ++hart) {
    if (hart == boot_hart || ((harts >> hart) & 1) == 0) continue;
    stacks[hart].hart = hart;
    const auto entry = reinterpret_cast<std::uint64_t>(&riscv_secondary_start);
    const auto stack_top = reinterpret_cast<std::uint64_t>(&stacks[hart].hart);
    const auto answer = riscv::sbi_hart_start(hart, entry, stack_top);
    if (answer.error == 0) continue;
    Text why;
    why.add("the firmware did not start hart ")
        .decimal(hart)
        .add(", its error is -")
        .decimal(static_cast<std::uint64_t>(-answer.error));
    refuse(why.view());
  }
}

void boot_core(unsigned hart, const Platform& platform) {
  if (platform.initrd.bytes == 0) refuse("no bundle of VMs: pass one as the initrd");
  new (core_storage) Hypervisor;
  Arch arch(board, hart);
  const std::span<const std::byte> bundle{reinterpret_cast<const std::byte*>(platform.initrd.base.value),
                                          platform.initrd.bytes};
  Text why;
  if (!core().boot(arch, platform, bundle, why)) refuse(why.view());
  hypervisor_inspection = core().inspect();
}

}  // namespace
}  // namespace hv

hv::GeneralRegisters* riscv_exit(hv::GeneralRegisters* general) {
  using namespace hv;
  auto& vcpu = *reinterpret_cast<Vcpu*>(general);  // `general` is its first member
  const unsigned hart = static_cast<unsigned>(*reinterpret_cast<std::uint64_t*>(general->port));
  Arch arch(board, hart);
  const std::uint64_t cause = read_csr<csr::scause>();
  const bool with_address = is_guest_page_fault(exit_reason(cause));
  const Exit exit =
      make_exit(cause, read_csr<csr::stval>(), with_address ? read_csr<csr::htval>() : std::uint64_t{0},
                with_address ? read_csr<csr::htinst>() : std::uint64_t{0});
  if (exit.reason == ExitReason::software_interrupt) riscv::clear_csr_bits<csr::sip>(kSoftwareInterrupt);
  return run(arch, core().handle(arch, vcpu, exit), stacks[hart]);
}

void riscv_own_trap(std::uint64_t cause, std::uint64_t pc, std::uint64_t value) {
  hv::Text line;
  line.add("[hv] trapped itself: cause ").hex(cause).add(" at ").hex(pc).add(", value ").hex(value).add("\n");
  hv::board.print(line.view());
  hv::board.power_off(hv::kOwnBug);
}

void riscv_boot(std::uint64_t hart, std::uint64_t device_tree) {
  using namespace hv;
  if (hart >= kMaxHarts) refuse("the boot hart's number is above 63");
  const Platform platform = find_platform(device_tree);
  board.use(platform);
  boot_core(static_cast<unsigned>(hart), platform);
  start_other_harts(static_cast<unsigned>(hart), platform.harts);
  start_hart(static_cast<unsigned>(hart));
}

void riscv_secondary(std::uint64_t hart) { hv::start_hart(static_cast<unsigned>(hart)); }
