// A barrier on one hart while another hart takes over calls from the same VM's ring, in every order of the
// two: when the barrier returns, all that was called before has run.
#include <cstddef>

#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/two_harts.h"

namespace hv {
namespace {

using abi::Delivery;
using abi::Hypercall;

constexpr unsigned kCounter = 3;

class Barrier : public testing::TestWithParam<Delivery> {
 protected:
  static constexpr std::uint64_t kCalls = 3;  // between two barriers

  void SetUp() override {
    const bool polls = GetParam() == Delivery::polling;
    BundleDescription description;
    description.delivery = GetParam();
    description.calls_per_notification = 8;
    description.queue_capacity = 8;
    description.vms = {polls ? small_vm("a", 1, {0}) : small_vm("a", 2, {0, 1})};
    bench.start(description);
    if (!polls) {
      ASSERT_EQ(bench.ecall(0, 0x48534D, 0, {1, abi::kGuestMemoryBase, 0}).error, 0);
      bench.interrupt_idle(1);
      ASSERT_NE(bench.on[1], nullptr);
    }
  }

  void append() {
    const Vm& vm = bench.core->vm(0);
    const Hpa tail = vm.shared_page + offsetof(abi::SharedPage, rings) + offsetof(abi::RingIndices, tail);
    const abi::Notification call{static_cast<std::uint32_t>(Hypercall::statistics_update), 0, {kCounter, 1}};
    const std::uint64_t at = bench.harts[0].read_word(tail);
    const Hpa entry = vm.rings.pages[0] + at % vm.rings.capacity * sizeof(abi::RingEntry);
    bench.harts[0].copy_out(entry, &call, sizeof call);
    bench.harts[0].write_word(tail, at + 1);
  }

  // The other hart looks at the VM's rings.
  void look() {
    if (GetParam() == Delivery::polling)
      bench.core->poll(bench.harts[1]);
    else
      bench.software(1);
  }

  std::array<std::uint64_t, 2> round(std::initializer_list<std::uint64_t> turns) {
    for (std::uint64_t i = 0; i < kCalls; ++i) append();
    called_ += kCalls;
    const std::vector<std::uint64_t> schedule(turns);
    return harts_.run([this] { look(); },
                      [this] {
                        EXPECT_EQ(bench.call(0, Hypercall::dlh_fence).error, abi::kSuccess);
                        if (bench.core->vm(0).statistics.counters[kCounter] != called_) ++early_;
                        if (bench.shared_page(0).completed != called_) ++early_;
                      },
                      schedule);
  }

  Bench bench{2};
  TwoHarts harts_{bench.machine};
  std::uint64_t called_ = 0, early_ = 0;
};

TEST_P(Barrier, ReturnsBehindCallsThatAnotherHartIsTakingOver) {
  const auto most = round({});
  std::uint64_t rounds = 0;
  for (std::uint64_t before = 0; before <= most[0]; ++before)
    for (std::uint64_t barrier = 0; barrier <= most[1]; ++barrier)
      for (std::uint64_t between = 0; before + between <= most[0]; ++between) {
        round({before, barrier, between});
        ++rounds;
        ASSERT_FALSE(HasFailure());
      }
  EXPECT_EQ(early_, 0u) << "of " << rounds;
  RecordProperty("rounds", static_cast<int>(rounds));
}

INSTANTIATE_TEST_SUITE_P(Delivery, Barrier, testing::Values(Delivery::dlh_ring, Delivery::polling),
                         [](const auto& mode) {
                           return mode.param == Delivery::polling ? "polling" : "dlh_ring";
                         });

}  // namespace
}  // namespace hv
