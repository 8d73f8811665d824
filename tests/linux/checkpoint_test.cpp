// A boot of stock Linux that is saved and goes on in another process. HVSIM_CHECKPOINT_POINTS=N: whole boots,
// in all modes, at N random points each.
#include <gtest/gtest.h>

#include "tests/linux/machines.h"
#include "tests/support/saved_runs.h"

namespace hvsim::linux_boot {
namespace {

const std::string kConfigs = HVSIM_SOURCE "/configs/";

class LinuxCheckpoints : public testing::Test, protected tests::SavedRuns {
 protected:
  LinuxCheckpoints() : SavedRuns(HVSIM_EXECUTABLE) {}
  void SetUp() override {
    const std::string problem = fetch_guest();
    ASSERT_EQ(problem, "");
  }
};

TEST_F(LinuxCheckpoints, BootsOnAsIfNothingHadHappened) {
  const bool whole = std::getenv("HVSIM_CHECKPOINT_POINTS") != nullptr;
  const std::string limit = whole ? "" : " --max-instructions 30000000";
  for (const char* mode : {"functional", "fast", "detailed"}) {
    if (!whole && mode == std::string("detailed")) continue;
    SCOPED_TRACE(mode);
    expect_no_difference(kConfigs + "linux.json", std::string("--set machine.mode=") + mode + limit, {630});
  }
  if (whole) expect_no_difference(kConfigs + "linux-guests.json", "--set hypervisor.run=host", {500});
}

}  // namespace
}  // namespace hvsim::linux_boot
