// A VM's emulated devices, used by a guest without scruples: any register, any ring, any descriptor.
#include <gtest/gtest.h>

#include "hypervisor/guest_memory.h"
#include "hypervisor/virtual_disk.h"
#include "hypervisor/virtual_plic.h"
#include "hypervisor/virtual_uart.h"
#include "tests/fuzz/target.h"
#include "tests/hypervisor/fake_arch/arch.h"

namespace hvsim::fuzz {
namespace {

using hv::Gpa;

constexpr std::uint64_t kMemory = 0x80000000, kPages = 16, kPage = 4096;
constexpr std::uint64_t kDescriptors = kMemory, kAvailable = kMemory + 0x1000, kUsed = kMemory + 0x2000,
                        kHeader = kMemory + 0x3000, kData = kMemory + 0x4000, kOutcome = kMemory + 0x5000;
constexpr unsigned kContexts = 2;
// Registers of virtio-mmio.
constexpr std::uint64_t kStatus = 0x70, kNotify = 0x50;

enum class Step : std::uint8_t {
  disk_write,
  disk_read,
  start,
  describe,
  offer,
  poke,
  plic,
  level,
  uart,
  count
};

struct Guest {
  hv::FakeMachine machine{1 << 20};
  hv::Arch arch{machine, 0};
  hv::PagePool pool;
  hv::StageTwoTable memory;
  hv::VirtualDisk disk;
  hv::VirtualPlic plic;
  hv::VirtualUart uart;
  std::uint16_t available = 0;

  Guest() {
    pool.add(hv::Hpa{hv::FakeMachine::kRamBase}, machine.ram.size());
    EXPECT_TRUE(memory.create(arch, pool));
    for (std::uint64_t at = kMemory; at < kMemory + kPages * kPage; at += kPage)
      EXPECT_TRUE(
          memory.map(arch, pool, Gpa{at}, *pool.allocate(arch, hv::PageRun::page), hv::PageRun::page));
    const std::vector<std::byte> content(8 * 512, std::byte{'d'});
    EXPECT_TRUE(disk.create(arch, pool, content));
    plic.configure(kContexts);
  }

  void reg(std::uint64_t offset, std::uint64_t value) {
    hv::GuestMemory view(memory);
    disk.write(arch, view, offset, static_cast<std::uint32_t>(value));
  }
  void start(unsigned queue_size) {
    for (const auto& [offset, value] : {std::pair{kStatus, std::uint64_t{3}},
                                        {0x24, 1},  // VERSION_1 is bit 32
                                        {0x20, 1},
                                        {kStatus, 11},
                                        {0x38, queue_size},
                                        {0x80, kDescriptors},
                                        {0x90, kAvailable},
                                        {0xa0, kUsed},
                                        {0x44, 1},
                                        {kStatus, 15}})
      reg(offset, value);
    available = 0;
  }
  // Wherever the guest has memory; elsewhere it could not write either.
  void put(std::uint64_t at, std::span<const std::uint8_t> data) {
    const auto mapped = memory.lookup(arch, Gpa{at});
    if (mapped)
      arch.copy_out(mapped->at, data.data(), std::min<std::size_t>(data.size(), kPage - at % kPage));
  }
  template <class T>
  void put_value(std::uint64_t at, T value) {
    put(at, {reinterpret_cast<const std::uint8_t*>(&value), sizeof value});
  }
};

// Near the rings, so that chance finds them.
std::uint64_t address(Input& input) {
  const auto raw = input.take<std::uint32_t>();
  return (raw & 0x8000'0000) != 0 ? input.take<std::uint64_t>() : kMemory + raw % (2 * kPages * kPage);
}

void describe(Guest& guest, Input& input) {
  const std::uint64_t at = kDescriptors + 16u * (input.take<std::uint8_t>() % 32);
  guest.put_value(at, address(input));
  guest.put_value(at + 8, input.take<std::uint32_t>());
  guest.put_value(at + 12, input.take<std::uint16_t>());
  guest.put_value(at + 14, input.take<std::uint16_t>());
}

void use_plic(Guest& guest, Input& input) {
  const auto what = input.take<std::uint32_t>();
  const std::uint64_t offset = what % (2 * hv::VirtualPlic::kBytes) & ~std::uint64_t{3};
  if ((what & 1) != 0) return guest.plic.write(offset, input.take<std::uint32_t>());
  const std::uint32_t value = guest.plic.read(offset);
  const bool claims = offset >= 0x200004 && offset % 0x1000 == 4;
  if (claims) {
    EXPECT_LE(value, hv::VirtualPlic::kSources);
  }
}

void step(Guest& guest, Input& input) {
  switch (static_cast<Step>(input.take<std::uint8_t>() % static_cast<unsigned>(Step::count))) {
    case Step::disk_write: {
      const auto offset = input.take<std::uint16_t>();
      return guest.reg(offset % (2 * hv::VirtualDisk::kBytes), input.take<std::uint32_t>());
    }
    case Step::disk_read:
      (void)guest.disk.read(input.take<std::uint16_t>() % (2 * hv::VirtualDisk::kBytes));
      return;
    case Step::start:
      return guest.start(input.take<std::uint8_t>() % 32);
    case Step::describe:
      return describe(guest, input);
    case Step::offer: {
      const auto slot = static_cast<std::uint64_t>(input.take<std::uint8_t>() % 32);
      guest.put_value(kAvailable + 4 + 2 * slot, input.take<std::uint16_t>());
      guest.put_value(kAvailable + 2,
                      static_cast<std::uint16_t>(guest.available += input.take<std::uint8_t>()));
      return guest.reg(kNotify, 0);
    }
    case Step::poke: {
      const std::uint64_t at = address(input);
      return guest.put(at, input.take_bytes(input.take<std::uint8_t>() % 64));
    }
    case Step::plic:
      return use_plic(guest, input);
    case Step::level: {
      const auto what = input.take<std::uint8_t>();
      guest.plic.set_level(1 + what % hv::VirtualPlic::kSources, (what & 0x80) != 0);
      for (unsigned context = 0; context < kContexts; ++context) (void)guest.plic.interrupts(context);
      return;
    }
    case Step::uart: {
      const auto what = input.take<std::uint16_t>();
      if ((what & 0x8000) != 0) return (void)guest.uart.write(what % 0x200, input.take<std::uint8_t>());
      (void)guest.uart.read(what % 0x200);
      return (void)guest.uart.interrupting();
    }
    case Step::count:
      return;
  }
}

}  // namespace

void guest_devices(std::span<const std::uint8_t> bytes) {
  Guest guest;
  Input input(bytes);
  for (unsigned steps = 0; !input.empty() && steps < 256; ++steps) step(guest, input);
  EXPECT_FALSE(guest.machine.out_of_ram);
}

std::vector<Bytes> guest_devices_seeds() {
  const auto op = [](Step what) { return static_cast<std::uint8_t>(what); };
  Script read_sector;
  read_sector.add(op(Step::start)).add(std::uint8_t{8});
  const auto part = [&](std::uint8_t index, std::uint64_t at, std::uint32_t size, std::uint16_t flags) {
    read_sector.add(op(Step::describe)).add(index).add(static_cast<std::uint32_t>(at - kMemory)).add(size);
    read_sector.add(flags).add(static_cast<std::uint16_t>(index + 1));
  };
  part(0, kHeader, 16, 1);
  part(1, kData, 512, 3);
  part(2, kOutcome, 1, 2);
  read_sector.add(op(Step::offer)).add(std::uint8_t{0}).add(std::uint16_t{0}).add(std::uint8_t{1});

  Script interrupt;  // of source 10, enabled in context 0 and claimed
  interrupt.add(op(Step::plic)).add(std::uint32_t{40 | 1}).add(std::uint32_t{1});
  interrupt.add(op(Step::plic)).add(std::uint32_t{0x2000 | 1}).add(std::uint32_t{1u << 10});
  interrupt.add(op(Step::level)).add(std::uint8_t{0x80 + 9});
  interrupt.add(op(Step::plic)).add(std::uint32_t{0x200004});
  interrupt.add(op(Step::plic)).add(std::uint32_t{0x200005}).add(std::uint32_t{10});
  interrupt.add(op(Step::uart)).add(std::uint16_t{0x8000}).add(std::uint8_t{'x'});
  interrupt.add(op(Step::uart)).add(std::uint16_t{5});
  return {read_sector.bytes(), interrupt.bytes()};
}

}  // namespace hvsim::fuzz
