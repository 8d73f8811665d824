// The goldfish clock as Linux' rtc-goldfish drives it and as QEMU's answers.
#include "models/device/goldfish_rtc.h"

#include "tests/unit/device/virtio_fixture.h"

namespace hvsim::device {
namespace {

constexpr std::uint64_t kStart = 1'767'225'600'000'000'000;  // 2026-01-01

class GoldfishRtcTest : public testing::Test {
 protected:
  std::uint32_t reg(std::uint64_t offset) {
    std::uint64_t value = 0;
    EXPECT_TRUE(rtc_.read(offset, 4, value));
    return static_cast<std::uint32_t>(value);
  }
  void reg(std::uint64_t offset, std::uint32_t value) { EXPECT_TRUE(rtc_.write(offset, 4, value)); }
  std::uint64_t time() {
    const std::uint64_t low = reg(GoldfishRtc::kTimeLow);
    return std::uint64_t{reg(GoldfishRtc::kTimeHigh)} << 32 | low;
  }
  // As goldfish_rtc_set_alarm() does.
  void set_alarm(std::uint64_t at) {
    reg(GoldfishRtc::kAlarmHigh, static_cast<std::uint32_t>(at >> 32));
    reg(GoldfishRtc::kAlarmLow, static_cast<std::uint32_t>(at));
    reg(GoldfishRtc::kInterruptEnabled, 1);
  }
  void pass(std::uint64_t ns) {
    now_ += ns;
    if (!call_at_ || *call_at_ > now_) return;
    call_at_.reset();
    rtc_.expire();
  }

  std::uint64_t now_ = 0;
  std::optional<std::uint64_t> call_at_;
  TestLine line_;
  GoldfishRtc rtc_{kStart,
                   {.now_ns = [this] { return now_; },
                    .call_at = [this](std::optional<std::uint64_t> at) { call_at_ = at; }},
                   line_,
                   11};
};

TEST_F(GoldfishRtcTest, StartsAtItsDateAndGoesOnInNanoseconds) {
  EXPECT_EQ(time(), kStart);
  now_ = 1'234'567'890'123;
  EXPECT_EQ(time(), kStart + 1'234'567'890'123);
}

TEST_F(GoldfishRtcTest, TheUpperHalfIsThatOfTheLastReadOfTheLower) {
  const std::uint32_t low = reg(GoldfishRtc::kTimeLow);
  now_ = std::uint64_t{5} << 32;
  EXPECT_EQ(std::uint64_t{reg(GoldfishRtc::kTimeHigh)} << 32 | low, kStart);
}

TEST_F(GoldfishRtcTest, TheTimeCanBeSetInHalves) {
  reg(GoldfishRtc::kTimeHigh, 0x12345678);
  reg(GoldfishRtc::kTimeLow, 0x9ABCDEF0);
  EXPECT_EQ(time(), 0x123456789ABCDEF0u);
  now_ += 0x10;
  EXPECT_EQ(time(), 0x123456789ABCDF00u);
}

TEST_F(GoldfishRtcTest, AnAlarmInterruptsOnceAtItsTime) {
  set_alarm(kStart + 1000);
  EXPECT_EQ(reg(GoldfishRtc::kAlarmStatus), 1u);
  EXPECT_EQ(reg(GoldfishRtc::kAlarmHigh), (kStart + 1000) >> 32);
  EXPECT_EQ(reg(GoldfishRtc::kAlarmLow), static_cast<std::uint32_t>(kStart + 1000));
  pass(999);
  EXPECT_FALSE(line_.high);
  pass(1);
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(line_.number, 11u);
  EXPECT_EQ(reg(GoldfishRtc::kAlarmStatus), 0u);
  reg(GoldfishRtc::kClearInterrupt, 1);
  EXPECT_FALSE(line_.high);
  pass(1'000'000);
  EXPECT_EQ(line_.rises, 1u);
}

TEST_F(GoldfishRtcTest, AnAlarmInThePastGoesOffAtOnce) {
  set_alarm(kStart);
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(reg(GoldfishRtc::kAlarmStatus), 0u);
}

TEST_F(GoldfishRtcTest, WithoutPermissionTheAlarmWaitsForIt) {
  reg(GoldfishRtc::kAlarmLow, 0);
  EXPECT_FALSE(line_.high);
  reg(GoldfishRtc::kInterruptEnabled, 0xFFFFFFFE);
  EXPECT_FALSE(line_.high);
  reg(GoldfishRtc::kInterruptEnabled, 3);
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(reg(GoldfishRtc::kInterruptEnabled), 1u);
}

TEST_F(GoldfishRtcTest, AClearedAlarmStaysSilent) {
  set_alarm(kStart + 1000);
  reg(GoldfishRtc::kClearAlarm, 1);
  EXPECT_EQ(reg(GoldfishRtc::kAlarmStatus), 0u);
  EXPECT_FALSE(call_at_);
  pass(2000);
  EXPECT_FALSE(line_.high);
}

TEST_F(GoldfishRtcTest, SettingTheClockMovesTheAlarm) {
  set_alarm(kStart + 1000);
  reg(GoldfishRtc::kTimeLow, static_cast<std::uint32_t>(kStart + 900));
  pass(99);
  EXPECT_FALSE(line_.high);
  pass(1);
  EXPECT_TRUE(line_.high);
}

TEST_F(GoldfishRtcTest, RegistersAreWords) {
  std::uint64_t value = 0;
  EXPECT_FALSE(rtc_.read(GoldfishRtc::kTimeLow, 8, value));
  EXPECT_FALSE(rtc_.read(GoldfishRtc::kTimeLow, 1, value));
  EXPECT_FALSE(rtc_.write(GoldfishRtc::kAlarmLow, 2, 0));
}

TEST_F(GoldfishRtcTest, AResetEndsAlarmAndInterruptButNotTime) {
  set_alarm(kStart);
  set_alarm(kStart + 5);
  now_ = 3;
  rtc_.reset();
  EXPECT_FALSE(line_.high);
  EXPECT_FALSE(call_at_);
  EXPECT_EQ(time(), kStart + 3);
}

TEST_F(GoldfishRtcTest, AnAlarmBeyondTheEndOfTimeNeverGoesOff) {
  now_ = 1'000;
  reg(GoldfishRtc::kTimeHigh, 0);  // the clock is behind the machine's time
  reg(GoldfishRtc::kTimeLow, 0);
  set_alarm(~std::uint64_t{0});
  EXPECT_FALSE(call_at_);
  EXPECT_EQ(reg(GoldfishRtc::kAlarmStatus), 1u);
  pass(1'000'000);
  EXPECT_EQ(reg(GoldfishRtc::kAlarmStatus), 1u);
}

}  // namespace
}  // namespace hvsim::device
