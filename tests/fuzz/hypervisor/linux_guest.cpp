// A VM that boots Linux and then does anything: SBI calls, faults at its devices, interrupts, exits of any
// cause.
#include <cstring>

#include "hypervisor/guest_tree.h"
#include "tests/fuzz/hypervisor/guest_turn.h"

namespace hvsim::fuzz {
namespace {

constexpr std::uint64_t kBase = 0x10, kTime = 0x54494D45, kIpi = 0x735049, kFence = 0x52464E43,
                        kHartState = 0x48534D, kReset = 0x53525354, kConsole = 0x4442434E;
constexpr std::uint64_t kExtensions[] = {kBase, kTime, kIpi, kFence, kHartState, kReset, kConsole, 1};
constexpr std::uint64_t kMemoryBytes = 4 << 20;

enum class Step : std::uint8_t { call, device, instruction, timer, software, wfi, leave, count };

// Linux, Documentation/arch/riscv/boot-image-header.
std::vector<std::byte> kernel() {
  std::vector<std::byte> image(4096, std::byte{0x13});
  const std::uint64_t header[] = {0x200000, 0x10000, 0};
  std::memcpy(&image[8], header, sizeof header);
  std::memcpy(&image[56], "RSC\5", 4);
  return image;
}

std::uint64_t argument(Input& input) { return argument(input, kMemoryBytes); }

std::uint64_t device_address(Input& input) {
  const auto raw = input.take<std::uint32_t>();
  switch (raw >> 30) {
    case 0:
      return hv::kGuestPlic + (raw & 0x7F'FFFF);
    case 1:
      return hv::kGuestUart + (raw & 0x1FF);
    case 2:
      return hv::kGuestDisk + (raw & 0x3FF);
    default:
      return raw;
  }
}

// htinst may be the transformed load or store, a pseudoinstruction, zero or nonsense.
void device(hv::Bench& bench, unsigned hart, Input& input) {
  const std::uint64_t at = device_address(input);
  const auto raw = input.take<std::uint32_t>();
  const bool store = (raw & 0x20) != 0;
  const std::uint64_t shown =
      (raw & 0x8000'0000) != 0 ? raw : (raw & 0x7000) | (store ? 0x00b00023 : 0x00000583);
  bench.on[hart]->general.x[11] = input.take<std::uint32_t>();
  bench.exit(hart, hv::make_exit(store ? 23 : 21, at & 3, at >> 2, shown));
}

void call(hv::Bench& bench, unsigned hart, Input& input) {
  const auto which = input.take<std::uint8_t>();
  const std::uint64_t extension = which < 240 ? kExtensions[which % std::size(kExtensions)] : argument(input);
  const std::uint64_t function = argument(input);
  const std::uint64_t a[5] = {argument(input), argument(input), argument(input), argument(input),
                              argument(input)};
  bench.ecall(hart, extension, function, {a[0], a[1], a[2], a[3], a[4]});
}

void step(hv::Bench& bench, Input& input) {
  const auto turn = next_turn<Step>(bench, input);
  if (!turn) return;
  switch (turn->what) {
    case Step::call:
      return call(bench, turn->hart, input);
    case Step::device:
      return device(bench, turn->hart, input);
    case Step::instruction:  // what the hypervisor reads where htinst says nothing
      bench.harts[turn->hart].instruction = input.take<std::uint32_t>();
      return;
    case Step::leave: {
      const std::uint64_t cause = input.take<std::uint8_t>() % 24, value = argument(input);
      return bench.exit(turn->hart, hv::make_exit(cause, value, argument(input) >> 2, argument(input)));
    }
    default:
      return;
  }
}

}  // namespace

void linux_guest(std::span<const std::uint8_t> bytes) {
  hv::Bench bench(2);
  hv::BundleDescription description;
  hv::BundleVm vm{
      .name = "linux", .memory_bytes = kMemoryBytes, .vcpus = 2, .image = kernel(), .linux_boot = true};
  vm.sstc = !bytes.empty() && (bytes.front() & 1) != 0;
  description.vms = {vm, hv::small_vm("other", 1)};
  bench.start(description);
  Input input(bytes.empty() ? bytes : bytes.subspan(1));
  for (unsigned steps = 0; !input.empty() && steps < 256 && !bench.core->all_off(); ++steps)
    step(bench, input);
}

std::vector<Bytes> linux_guest_seeds() {
  const auto op = [](Step what) { return static_cast<std::uint8_t>(what); };
  Script calls;
  calls.add(std::uint8_t{0});
  for (std::uint8_t extension = 0; extension < std::size(kExtensions); ++extension)
    for (std::uint8_t function = 0; function < 4; ++function) {
      if (kExtensions[extension] == kReset) continue;  // would be the last
      calls.add(op(Step::call)).add(extension).add(function);
      for (std::uint8_t i = 0; i < 5; ++i) calls.add(i);
    }
  Script devices;
  devices.add(std::uint8_t{1});
  for (const std::uint32_t place :
       {0x28u, 0x2000u, 0x20'0004u, 0x4000'0000u, 0x4000'0005u, 0x8000'0000u, 0x8000'0070u})
    for (const std::uint32_t access : {0x2000u, 0x2020u, 0x0u, 0x20u})
      devices.add(op(Step::device)).add(place).add(access).add(std::uint32_t{1});
  devices.add(op(Step::timer)).add(std::uint16_t{500}).add(op(Step::software)).add(op(Step::wfi));
  return {calls.bytes(), devices.bytes()};
}

}  // namespace hvsim::fuzz
