// The VM's virtio disk.
#include "workloads/runtime/disk.h"

#include <array>

#include "workloads/runtime/paging.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"

namespace guest::disk {

namespace {

// RISC-V PLIC specification 1.0; context n belongs to VCPU n.
constexpr std::uint64_t kEnable = 0x2000, kThreshold = 0x20'0000, kClaim = 0x20'0004, kPage = 4096;
constexpr unsigned kQueueSize = 16, kChain = 3;

struct Request {
  virtio::BlockHeader header;
  std::uint8_t outcome;
  volatile bool under_way;
  std::uint64_t finished_at;
};

struct State {
  virtio::Queue<kQueueSize> queue;
  std::array<Request, kMostUnderWay> requests;
  std::uint16_t taken;  // of the used ring
};
constinit State state{};

volatile std::uint32_t& plic(std::uint64_t offset) {
  return *reinterpret_cast<volatile std::uint32_t*>(boot_information().plic + offset);
}
virtio::Registers registers() { return virtio::Registers{boot_information().disk}; }

std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }

void take_finished() {
  virtio::fence();
  for (; state.taken != state.queue.used.index; ++state.taken) {
    const std::uint32_t head = state.queue.used.ring[state.taken % kQueueSize].id;
    Request& request = state.requests[head / kChain % kMostUnderWay];
    request.finished_at = timer::now();
    request.under_way = false;
  }
}

void handle_interrupt(trap::Frame&) {
  const std::uint32_t source = plic(kClaim);
  if (source == 0) return;
  if (source == boot_information().disk_interrupt) {
    registers().acknowledge_interrupt();
    take_finished();
  }
  plic(kClaim) = source;
}

}  // namespace

bool map_registers() {
  const hv::abi::BootInfo& info = boot_information();
  if (info.disk == 0) return false;
  for (const std::uint64_t page : {info.disk, info.plic, info.plic + kEnable, info.plic + kThreshold})
    if (!paging::map(page, page, kPage, paging::PageSize::small)) return false;
  return true;
}

bool start() {
  if (!map_registers() || registers().device_id() != 2 || !registers().negotiate(virtio::kVersion1))
    return false;
  const std::uint32_t source = boot_information().disk_interrupt;
  plic(4 * std::uint64_t{source}) = 1;
  plic(kEnable) = 1u << source;
  plic(kThreshold) = 0;
  trap::handle(hvsim::isa::Interrupt::supervisor_external, handle_interrupt);
  registers().start_queue(0, state.queue);
  registers().add_status(virtio::Registers::kDriverOk);
  return true;
}

std::uint64_t sectors() { return registers().at(0x100) | std::uint64_t{registers().at(0x104)} << 32; }

void begin(unsigned slot, bool writes, std::uint64_t sector, void* data, std::uint32_t bytes) {
  Request& request = state.requests[slot];
  request.header = {writes ? virtio::kBlockWrite : virtio::kBlockRead, 0, sector};
  request.outcome = 0xFF;
  request.under_way = true;
  const auto head = static_cast<std::uint16_t>(slot * kChain);
  const auto next = [head](unsigned n) { return static_cast<std::uint16_t>(head + n); };
  virtio::Descriptor* const chain = &state.queue.descriptors[head];
  const std::uint16_t direction = writes ? std::uint16_t{0} : virtio::kWrite;
  chain[0] = {address(&request.header), sizeof request.header, virtio::kNext, next(1)};
  chain[1] = {address(data), bytes, static_cast<std::uint16_t>(virtio::kNext | direction), next(2)};
  chain[2] = {address(&request.outcome), 1, virtio::kWrite, 0};
  auto& available = state.queue.available;
  available.ring[available.index % kQueueSize] = head;
  virtio::fence();
  available.index = static_cast<std::uint16_t>(available.index + 1);
  virtio::fence();
  registers().notify(0);
}

bool under_way(unsigned slot) { return state.requests[slot].under_way; }
bool succeeded(unsigned slot) { return state.requests[slot].outcome == 0; }
std::uint64_t finished_at(unsigned slot) { return state.requests[slot].finished_at; }

}  // namespace guest::disk
