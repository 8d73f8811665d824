// How VMs ended, from the hypervisor's lines on the console.
#include "sim/vm_ends.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hvsim::sim {
namespace {

using ::testing::IsEmpty;

TEST(VmEnds, AreWhatTheHypervisorSaysInTheOrderOfTheEnds) {
  const auto ends = vm_ends(
      "OpenSBI v1.6\n[a] [hv] b: killed: by a guest\r\n"
      "[hv] policies from now on: credit\n"
      "[hv] b: killed: load_guest_page_fault at pc 0x80000000, guest-physical 0x1000\r\n"
      "[hv] statistics b exits=1\n"
      "[hv] a: c: powered off, code 0\n"
      "[hv] l: shut down, reason 0\n[hv] m: wanted to reboot, reason 0\n[hv] n: powered off, code 3");
  ASSERT_EQ(ends.size(), 5u);
  EXPECT_EQ(ends[0].vm, "b");
  EXPECT_EQ(ends[0].how, "killed: load_guest_page_fault at pc 0x80000000, guest-physical 0x1000");
  EXPECT_TRUE(ends[0].failed());
  EXPECT_EQ(ends[1].vm, "a: c");
  EXPECT_FALSE(ends[1].failed());
  EXPECT_FALSE(ends[2].failed());
  EXPECT_TRUE(ends[3].failed());
  EXPECT_EQ(ends[4].how, "powered off, code 3");
  EXPECT_TRUE(ends[4].failed());
}

TEST(VmEnds, NobodyHasEndedWhereNobodySaidSo) {
  EXPECT_THAT(vm_ends(""), IsEmpty());
  EXPECT_THAT(vm_ends("[hv] \n[hv] a:\n[hv] killed: a\nkilled: a\n"), IsEmpty());
}

}  // namespace
}  // namespace hvsim::sim
