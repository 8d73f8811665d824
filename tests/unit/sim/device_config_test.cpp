// What a config says of devices: disks, consoles, the clock, resets.
#include <gmock/gmock.h>

#include "tests/unit/sim/sim_fixture.h"

namespace hvsim::sim {
namespace {

using ::testing::HasSubstr;

class DeviceConfigs : public Scratch {};

TEST_F(DeviceConfigs, DisksAreReadWithTheirDefaults) {
  write("disk.img", std::string(1024, 'x'));
  const Config config =
      experiment(bare(R"("machine": {"devices": {"block": [{"file": "./disk.img"}]}})")).runs[0].config;
  ASSERT_EQ(config.machine.devices.block.size(), 1u);
  EXPECT_EQ(config.machine.devices.block[0].file, path("disk.img"));
  EXPECT_EQ(config.machine.devices.block[0].access, device::DiskAccess::overlay);
  EXPECT_EQ(config.machine.devices.block[0].latency_us, 10u);
}

TEST_F(DeviceConfigs, ADiskThatIsNotThereIsNamed) {
  EXPECT_THAT(complaint(bare(R"("machine": {"devices": {"block": [{"file": "./none.img"}]}})")),
              HasSubstr("machine.devices.block[0].file: \"" + path("none.img") + "\": No such file"));
  EXPECT_THAT(complaint(bare(R"("machine": {"devices": {"block": [{"access": "overlay"}]}})")),
              HasSubstr("machine.devices.block[0].file: missing"));
}

TEST_F(DeviceConfigs, SlotsAndSerialNumbersHaveLimits) {
  write("d", "");
  std::string disks;
  for (unsigned i = 0; i < 8; ++i) disks += std::string(i == 0 ? "" : ",") + R"({"file": "./d"})";
  EXPECT_EQ(complaint(bare(R"("machine": {"devices": {"block": [)" + disks + "]}}")), "");
  EXPECT_THAT(
      complaint(bare(R"("machine": {"devices": {"console": {"present": true}, "block": [)" + disks + "]}}")),
      HasSubstr("machine.devices.block: 8 elements: expected at most 7"));
  EXPECT_THAT(
      complaint(
          bare(R"("machine": {"devices": {"block": [{"file": "./d", "serial": "123456789012345678901"}]}})")),
      HasSubstr("serial: \"123456789012345678901\": expected at most 20 bytes"));
}

TEST_F(DeviceConfigs, InputFilesMustBeReadable) {
  EXPECT_THAT(complaint(bare(R"("machine": {"console": {"input_file": "./none"}})")),
              HasSubstr("machine.console.input_file"));
  EXPECT_THAT(complaint(bare(R"("machine": {"console": {"script": [{"expect": "#"}]}})")),
              HasSubstr("machine.console.script[0].send: missing"));
}

TEST_F(DeviceConfigs, OnlyAMachineThatBootsByItselfRestarts) {
  EXPECT_EQ(complaint(bare(R"("limits": {"on_reset": "restart"})")), "");
  EXPECT_THAT(complaint(virtualized(R"("limits": {"on_reset": "restart"})")),
              HasSubstr("limits.on_reset: \"restart\": expected \"stop\""));
}

TEST_F(DeviceConfigs, IdentityFollowsWhatIsOnADiskAndWhatIsTyped) {
  const std::string text = bare(R"("machine": {"console": {"input_file": "./in"},
      "devices": {"block": [{"file": "./disk.img"}]}})");
  write("disk.img", "one");
  write("in", "a");
  const std::string first = experiment(text).runs[0].identity;
  write("disk.img", "two");
  const std::string second = experiment(text).runs[0].identity;
  EXPECT_NE(first, second);
  write("in", "b");
  EXPECT_NE(experiment(text).runs[0].identity, second);
  const std::string changing =
      bare(R"("machine": {"devices": {"block": [{"file": "./disk.img", "access": "read_write"}]}})");
  const std::string before = experiment(changing).runs[0].identity;
  write("disk.img", "three");
  EXPECT_NE(experiment(changing).runs[0].identity, before) << "also of a disk that a run changes";
}

}  // namespace
}  // namespace hvsim::sim
