// VCPUs that wait for a hart, from mark to mark.
#include "sim/vcpu_waits.h"

#include <gmock/gmock.h>

#include "models/cpu/isa/mark.h"

namespace hvsim::sim {
namespace {

TEST(VcpuWaits, LastFromRunnableToRunning) {
  VcpuWaits waits;
  const auto vcpu = isa::mark_vcpu(0, 2);
  waits.running(vcpu, 5);  // nobody said that it was runnable
  waits.runnable(vcpu, 100);
  waits.runnable(vcpu, 150);  // it was already
  waits.running(vcpu, 400);
  waits.running(vcpu, 500);
  const auto rows = waits.rows({});
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].vcpu, 2u);
  EXPECT_EQ(rows[0].wait.count, 1u);
  EXPECT_EQ(rows[0].wait.sum, 300u);
}

TEST(VcpuWaits, AreNeverNegativeWhenClocksDiffer) {
  VcpuWaits waits;
  waits.runnable(0, 100);
  waits.running(0, 90);
  EXPECT_EQ(waits.rows({})[0].wait.max, 0u);
}

TEST(VcpuWaits, AResetForgetsThoseThatAreOver) {
  VcpuWaits waits;
  waits.runnable(0, 10);
  waits.running(0, 20);
  waits.runnable(1, 100);
  waits.reset();
  waits.running(1, 300);
  ASSERT_EQ(waits.rows({}).size(), 1u);
  EXPECT_EQ(waits.rows({})[0].wait.sum, 200u);
}

}  // namespace
}  // namespace hvsim::sim
