// A guest that makes any call with any arguments, and leaves for any reason.
#include "tests/fuzz/hypervisor/guest_turn.h"

namespace hvsim::fuzz {
namespace {

constexpr std::uint64_t kExtensions[] = {hv::abi::kHypercallExtension,
                                         0x10,
                                         0x54494D45,
                                         0x735049,
                                         0x52464E43,
                                         0x48534D,
                                         0x53525354,
                                         0x4442434E,
                                         1,
                                         8};
constexpr auto kDeliveries = std::size(hv::abi::kDeliveryNames);
constexpr std::uint64_t kGuestBase = hv::abi::kGuestMemoryBase, kGuestBytes = 64 << 10;

enum class Step : std::uint8_t { call, poke, timer, software, wfi, leave, count };

std::uint64_t argument(Input& input) { return argument(input, kGuestBytes); }

void call(hv::Bench& bench, unsigned hart, Input& input) {
  const auto which = input.take<std::uint8_t>();
  const std::uint64_t extension =
      which < std::size(kExtensions) * 20 ? kExtensions[which % std::size(kExtensions)] : argument(input);
  const std::uint64_t function = argument(input);
  const std::uint64_t a[6] = {argument(input), argument(input), argument(input),
                              argument(input), argument(input), argument(input)};
  bench.ecall(hart, extension, function, {a[0], a[1], a[2], a[3], a[4], a[5]});
}

void poke(hv::Bench& bench, Input& input) {
  const unsigned vm = input.take<std::uint8_t>() % bench.core->vm_count();
  const std::uint64_t offset = input.take<std::uint16_t>();
  const auto data = input.take_bytes(input.take<std::uint8_t>() % 64);
  const std::uint64_t bytes = std::min<std::uint64_t>(data.size(), 4096 - offset % 4096);
  if (bench.core->vm(vm).table.lookup(bench.harts[0], isa::Gpa{kGuestBase + offset}))
    bench.write_guest(vm, kGuestBase + offset, data.data(), bytes);
}

void leave(hv::Bench& bench, unsigned hart, Input& input) {
  const std::uint64_t cause = input.take<std::uint8_t>() % 24;
  const std::uint64_t value = argument(input);
  bench.exit(hart, hv::make_exit(cause, value, argument(input) >> 2));
}

void step(hv::Bench& bench, Input& input) {
  const auto turn = next_turn<Step>(bench, input);
  if (!turn) return;
  switch (turn->what) {
    case Step::call:
      return call(bench, turn->hart, input);
    case Step::poke:
      return poke(bench, input);
    case Step::leave:
      return leave(bench, turn->hart, input);
    default:
      return;
  }
}

}  // namespace

void hypercalls(std::span<const std::uint8_t> bytes) {
  hv::Bench bench(3);  // the third runs no VCPU: it polls, or nobody may run there
  hv::BundleDescription description;
  Input input(bytes);
  const auto first = input.take<std::uint8_t>();
  description.delivery = static_cast<hv::abi::Delivery>(first % kDeliveries);
  description.calls_per_notification = 4;
  description.queue_capacity = 8;
  description.vms = {hv::small_vm("zero", 2, {0, 1}), hv::small_vm("one", 1, {0, 1})};
  bench.start(description);
  for (unsigned steps = 0; !input.empty() && steps < 256 && !bench.core->all_off(); ++steps) {
    step(bench, input);
    if (bench.core->polls(bench.harts[2])) bench.core->poll(bench.harts[2]);
  }
}

std::vector<Bytes> hypercalls_seeds() {
  std::vector<Bytes> all;
  for (std::uint8_t delivery = 0; delivery < kDeliveries; ++delivery) {
    Script calls;
    calls.add(delivery);
    for (std::uint8_t function = 0; function < hv::abi::kHypercallCount; ++function) {
      if (function == 2) continue;  // power_off would be the last
      calls.add(std::uint8_t{0}).add(std::uint8_t{0}).add(function);
      for (std::uint8_t i = 0; i < 6; ++i) calls.add(static_cast<std::uint8_t>(i + 1));
    }
    calls.add(std::uint8_t{2}).add(std::uint16_t{5000}).add(std::uint8_t{4}).add(std::uint8_t{0x82});
    all.push_back(calls.bytes());
  }
  return all;
}

}  // namespace hvsim::fuzz
