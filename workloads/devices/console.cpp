// Talks through a virtio console in the last slot: greets, and sends back each line in capitals.
#include <cstring>

#include "workloads/bench/bench.h"
#include "workloads/devices/virtio.h"

namespace {

using namespace devices;

constexpr unsigned kSize = 4, kSlot = 7, kReceive = 0, kTransmit = 1;

Queue<kSize> receive, transmit;
char input[16];
std::uint16_t received = 0, sent = 0;

std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }

void offer(Slot& slot, unsigned number, Queue<kSize>& queue) {
  queue.available.ring[queue.available.index % kSize] = 0;
  fence();
  queue.available.index = static_cast<std::uint16_t>(queue.available.index + 1);
  fence();
  slot.notify(number);
}

// Whatever interrupt comes: the caller looks at the rings.
void wait(Slot& slot) {
  const std::uint32_t source = plic::wait();
  slot.acknowledge_interrupt();
  plic::complete(source);
}

void send(Slot& slot, std::string_view text) {
  transmit.descriptors[0] = {address(text.data()), static_cast<std::uint32_t>(text.size()), 0, 0};
  offer(slot, kTransmit, transmit);
  while (transmit.used.index == sent) wait(slot);
  ++sent;
}

}  // namespace

extern "C" void bench_main() {
  Slot slot(kSlot);
  line("device", slot.device_id());
  plic::enable(kSlot + 1);
  line("negotiated", slot.negotiate(std::uint64_t{1} << 32));
  slot.start_queue(kReceive, receive);
  slot.start_queue(kTransmit, transmit);
  slot.add_status(Slot::kDriverOk);
  receive.descriptors[0] = {address(input), sizeof input, kWrite, 0};
  offer(slot, kReceive, receive);
  send(slot, "what shall I shout?\n");

  for (bool over = false; !over;) {
    while (receive.used.index == received) wait(slot);
    const std::uint32_t bytes = receive.used.ring[received++ % kSize].bytes;
    for (std::uint32_t i = 0; i < bytes; ++i) {
      over |= input[i] == '!';
      if (input[i] >= 'a' && input[i] <= 'z') input[i] = static_cast<char>(input[i] - 'a' + 'A');
    }
    send(slot, {input, bytes});
    offer(slot, kReceive, receive);
  }
  bench::done("console", 0);
}
