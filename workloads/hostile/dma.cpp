// A disk that is told to read and write where its VM has nothing: outside its memory, over its end, at
// devices, in circles; and to pages that are shared. Afterwards the disk must work, and nothing else have
// changed.
#include <array>
#include <cstring>

#include "workloads/hostile/area_map.h"
#include "workloads/hostile/attacks.h"
#include "workloads/runtime/disk.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/start.h"

namespace hostile {

namespace {

constexpr unsigned kSize = 16, kPatience = 10'000;
constexpr std::uint32_t kSector = virtio::kSectorBytes;

constinit virtio::Queue<kSize> queue{};
constinit virtio::BlockHeader header{};
constinit std::uint8_t outcome = 0;
alignas(4096) constinit std::array<std::uint64_t, 512> buffer{};
constinit std::array<std::uint64_t, 64> canary{};  // in no descriptor
constinit bool ready = false, refused = false;

virtio::Registers disk() { return virtio::Registers{guest::boot_information().disk}; }
std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }

std::uint64_t outside() {
  const hv::abi::BootInfo& info = guest::boot_information();
  const std::uint64_t behind =
      info.memory_base + info.memory_bytes + (1u << 20);  // the hypervisor's pages, too
  switch (prng().below(6)) {
    case 0:
      return prng().next();
    case 1:
      return behind +
             prng().below(std::uint64_t{1} << 32);  // where other VMs' frames are, if it were physical
    case 2:
      return info.disk + prng().below(512);
    case 3:
      return info.plic + prng().below(0x40'0000);
    case 4:
      return ~std::uint64_t{0} - prng().below(1024);
    default:
      return prng().below(info.memory_base);
  }
}
std::uint64_t anywhere() { return prng().below(3) == 0 ? address(buffer.data()) : outside(); }

void open() {
  disk().negotiate(virtio::kVersion1);
  queue = {};
}

// One request as it should be. Whether the disk did it.
bool transfer(bool writes, void* data) {
  open();
  header = {writes ? virtio::kBlockWrite : virtio::kBlockRead, 0, 0};
  outcome = 0xFF;
  const std::uint16_t direction = writes ? std::uint16_t{0} : virtio::kWrite;
  queue.descriptors[0] = {address(&header), sizeof header, virtio::kNext, 1};
  queue.descriptors[1] = {address(data), kSector, static_cast<std::uint16_t>(virtio::kNext | direction), 2};
  queue.descriptors[2] = {address(&outcome), 1, virtio::kWrite, 0};
  disk().start_queue(0, queue);
  disk().add_status(virtio::Registers::kDriverOk);
  queue.available.index = 1;
  virtio::fence();
  disk().notify(0);
  for (unsigned i = 0; i < kPatience && queue.used.index == 0; ++i)
    guest::hypercall::call_now(guest::hypercall::Hypercall::yield);
  virtio::fence();
  return outcome == 0;
}

// Queues and chains of rubbish.
void attack() {
  open();
  for (virtio::Descriptor& each : queue.descriptors) {
    each = {anywhere(), static_cast<std::uint32_t>(prng().next()),
            static_cast<std::uint16_t>(prng().below(8)), static_cast<std::uint16_t>(prng().below(2 * kSize))};
    if (prng().below(2) == 0) each.bytes = kSector * static_cast<std::uint32_t>(prng().below(4));
  }
  header = {static_cast<std::uint32_t>(prng().below(2)), 0,
            prng().below(3) == 0 ? prng().next() : prng().below(8)};
  if (prng().below(3) != 0)  // a header that is one, and a chain that goes on from there
    queue.descriptors[0] = {address(&header), sizeof header, virtio::kNext,
                            static_cast<std::uint16_t>(prng().below(3))};  // 0: to itself
  if (prng().below(2) == 0) queue.descriptors[2] = {anywhere(), 1, virtio::kWrite, 0};
  for (volatile std::uint16_t& head : queue.available.ring)
    head = static_cast<std::uint16_t>(prng().below(4) == 0 ? prng().next() : 0);
  if (prng().below(3) == 0)
    disk().start_queue(0, kSize, anywhere(), anywhere(), anywhere());
  else
    disk().start_queue(0, queue);
  disk().add_status(virtio::Registers::kDriverOk);
  queue.available.index =
      static_cast<std::uint16_t>(prng().below(4) == 0 ? prng().next() : prng().below(kSize));
  virtio::fence();
  disk().notify(0);
  if (prng().below(4) == 0) disk().notify(static_cast<unsigned>(prng().next()));
}

// A page in which anything is not zero has a first word that is not.
constinit AreaMap shared{};

// The pages that hold something now are offered as free, and truly: nobody needs it.
void offer_pages() {
  for (auto& page : shared.pages)
    if (prng().below(8) == 0) page[0] = 1;
  for (std::uint64_t page = 0; page < kAreaPages; ++page) shared.set(page, AreaMap::kFree, 0);
  shared.describe();
  shared.publish();
}

// Pages that are shared hold zeros, all in the same frame. What the disk writes to one of them must not be
// seen in the others.
void write_to_shared_page() {
  const std::uint64_t chosen = prng().below(kAreaPages);
  auto& page = shared.pages[chosen];
  if (page[0] != 0) return;  // not shared yet, or nobody shares
  shared.set(chosen, AreaMap::kUsed, 0);
  for (std::uint64_t i = 0; i < kSector / 8; ++i) buffer[i] = prng().next() | 1;
  expect(transfer(true, buffer.data()) && transfer(false, page.data()));
  expect(std::memcmp(page.data(), buffer.data(), kSector) == 0);
  for (auto& other : shared.pages)
    if (&other != &page && other[0] == 0)
      for (const std::uint64_t word : other) expect(word == 0);
}

}  // namespace

void dma() {
  if (refused) return;
  if (!ready) {
    refused = !guest::disk::map_registers();  // this VM has no disk
    if (refused) return;
    ready = true;
    for (std::uint64_t& word : canary) word = address(&word);
  }
  offer_pages();
  for (unsigned i = 0; i < 4; ++i) attack();
  expect(transfer(false, buffer.data()));
  for (const std::uint64_t& word : canary) expect(word == address(&word));
  write_to_shared_page();
}

}  // namespace hostile
