// A driver without scruples: any registers, any rings and descriptors in any order.
#include "models/device/virtio_block.h"
#include "tests/fuzz/target.h"
#include "tests/unit/device/virtio_fixture.h"

namespace hvsim::fuzz {
namespace {

using device::VirtioBench;

enum class Step : std::uint8_t { write, read, start, describe, offer, poke, work, count };

void poke(VirtioBench& bench, Input& input) {
  const auto offset = input.take<std::uint32_t>() % device::TestMemory::kBytes;
  const auto data = input.take_bytes(input.take<std::uint8_t>() % 64);
  bench.memory.write(isa::Hpa{device::TestMemory::kBase + offset}, data);  // what lies outside is refused
}

// Near the rings, so that chance finds them.
std::uint64_t address(Input& input) {
  const auto raw = input.take<std::uint32_t>();
  return (raw & 0x8000'0000) != 0 ? input.take<std::uint64_t>()
                                  : device::TestMemory::kBase + raw % (2 * device::TestMemory::kBytes);
}

void step(VirtioBench& bench, Input& input) {
  std::uint64_t value = 0;
  switch (static_cast<Step>(input.take<std::uint8_t>() % static_cast<unsigned>(Step::count))) {
    case Step::write: {
      const std::uint64_t offset =
          input.take<std::uint16_t>() % device::VirtioMmio::kBytes & ~std::uint64_t{3};
      bench.slot.write(offset, 4, input.take<std::uint32_t>());
      return;
    }
    case Step::read: {
      const unsigned bytes = 1u << (input.take<std::uint8_t>() & 3);
      const std::uint64_t offset = input.take<std::uint16_t>() % device::VirtioMmio::kBytes;
      bench.slot.read(offset & ~std::uint64_t{bytes - 1}, bytes, value);
      return;
    }
    case Step::start:
      if (bench.negotiate(device::virtio::kVersion1 | input.take<std::uint64_t>())) {
        bench.start_queue(1u << (input.take<std::uint8_t>() % 11));
        bench.add_status(device::virtio::kDriverOk);
        bench.next_available = 0;
      }
      return;
    case Step::describe: {
      const unsigned index = input.take<std::uint8_t>() % 64u;
      const std::uint64_t at = address(input);
      const auto bytes = input.take<std::uint32_t>();
      const auto flags = input.take<std::uint16_t>();
      bench.describe(index, at, bytes, flags, input.take<std::uint16_t>());
      return;
    }
    case Step::offer:
      if (bench.queue_size != 0) bench.offer(input.take<std::uint16_t>() % 64);
      return;
    case Step::poke:
      return poke(bench, input);
    case Step::work:
      bench.work();
      return;
    case Step::count:
      return;
  }
}

}  // namespace

void virtio(std::span<const std::uint8_t> bytes) {
  device::TestDisk disk(16);  // filling it is most of the work
  device::VirtioBlock block(disk, "fuzz");
  VirtioBench bench(&block);
  Input input(bytes);
  for (unsigned steps = 0; !input.empty() && steps < 256; ++steps) step(bench, input);
  bench.work();
}

std::vector<Bytes> virtio_seeds() {
  const auto op = [](Step what) { return static_cast<std::uint8_t>(what); };
  Script read_sector;
  read_sector.add(op(Step::start)).add(std::uint64_t{0}).add(std::uint8_t{3});
  const auto describe = [&](std::uint8_t index, std::uint32_t at, std::uint32_t bytes, std::uint16_t flags) {
    read_sector.add(op(Step::describe)).add(index).add(at).add(bytes).add(flags);
    read_sector.add(static_cast<std::uint16_t>(index + 1));
  };
  describe(0, 0x10000, 16, VirtioBench::kNext);
  describe(1, 0x10200, 512, VirtioBench::kNext | VirtioBench::kWrite);
  describe(2, 0x10400, 1, VirtioBench::kWrite);
  read_sector.add(op(Step::offer)).add(std::uint16_t{0}).add(op(Step::write)).add(std::uint16_t{0x50});
  read_sector.add(std::uint32_t{0}).add(op(Step::work));
  return {read_sector.bytes()};
}

}  // namespace hvsim::fuzz
