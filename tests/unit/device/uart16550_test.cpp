// The UART against the PC16550D data sheet.
#include "models/device/uart16550.h"

#include <gtest/gtest.h>

#include <string>

namespace hvsim::device {
namespace {

constexpr std::uint64_t kRbr = 0, kThr = 0, kDll = 0, kIer = 1, kDlm = 1, kIir = 2, kFcr = 2, kLcr = 3,
                        kMcr = 4, kLsr = 5, kMsr = 6, kScr = 7;

struct Line final : irq::Sink {
  bool high = false;
  unsigned number = 0;
  void set_level(unsigned line, bool level) override {
    number = line;
    high = level;
  }
};

class Uart16550Test : public testing::Test {
 protected:
  unsigned read(std::uint64_t offset) {
    std::uint64_t value = 0;
    EXPECT_TRUE(uart_.read(offset, 1, value));
    return static_cast<unsigned>(value);
  }
  void write(std::uint64_t offset, unsigned value) { EXPECT_TRUE(uart_.write(offset, 1, value)); }
  unsigned iir_source() { return read(kIir) & 0x0F; }

  std::string sent_;
  Line line_;
  Uart16550 uart_{[this](std::uint8_t byte) { sent_ += static_cast<char>(byte); }, line_, 10};
};

TEST_F(Uart16550Test, ResetsToTheValuesOfTheDataSheet) {
  EXPECT_EQ(read(kIer), 0u);
  EXPECT_EQ(read(kIir), 0x01u);
  EXPECT_EQ(read(kLcr), 0u);
  EXPECT_EQ(read(kMcr), 0u);
  EXPECT_EQ(read(kLsr), 0x60u);
  EXPECT_EQ(read(kMsr) & 0x0F, 0u);
}

TEST_F(Uart16550Test, WrittenCharactersLeaveInOrderAndTheTransmitterStaysEmpty) {
  for (char each : std::string("hvsim\n")) write(kThr, static_cast<unsigned>(each));
  EXPECT_EQ(sent_, "hvsim\n");
  EXPECT_EQ(read(kLsr) & 0x60, 0x60u);
}

TEST_F(Uart16550Test, DivisorLatchReplacesDataAndInterruptEnable) {
  write(kLcr, 0x83);
  write(kDll, 0x34);
  write(kDlm, 0x12);
  EXPECT_EQ(read(kDll), 0x34u);
  EXPECT_EQ(read(kDlm), 0x12u);
  write(kLcr, 0x03);
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(read(kIer), 0u);
}

TEST_F(Uart16550Test, UnusedBitsOfIerAndMcrStayZero) {
  write(kIer, 0xF0);
  write(kMcr, 0xE0);
  EXPECT_EQ(read(kIer), 0u);
  EXPECT_EQ(read(kMcr), 0u);
}

TEST_F(Uart16550Test, ScratchRegisterKeepsItsByte) {
  write(kScr, 0xA5);
  EXPECT_EQ(read(kScr), 0xA5u);
}

TEST_F(Uart16550Test, ReceivedCharactersComeOutInOrder) {
  uart_.push("abc");
  std::string got;
  while ((read(kLsr) & 1) != 0) got += static_cast<char>(read(kRbr));
  EXPECT_EQ(got, "abc");
  EXPECT_EQ(read(kRbr), 0u);
}

TEST_F(Uart16550Test, LongInputWaitsOnTheLineAndNothingOverruns) {
  write(kFcr, 0x01);
  const std::string input(1000, 'x');
  uart_.push(input);
  std::string got;
  while ((read(kLsr) & 0x03) == 1) got += static_cast<char>(read(kRbr));
  EXPECT_EQ(got, input);
}

TEST_F(Uart16550Test, ReceiveInterruptFollowsTheData) {
  uart_.push("a");
  EXPECT_FALSE(line_.high);
  write(kIer, 0x01);
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(line_.number, 10u);
  EXPECT_EQ(iir_source(), 0x04u);
  read(kRbr);
  EXPECT_FALSE(line_.high);
  EXPECT_EQ(iir_source(), 0x01u);
}

TEST_F(Uart16550Test, FifoBelowItsTriggerLevelReportsATimeout) {
  write(kFcr, 0x81);  // trigger at 8
  write(kIer, 0x01);
  uart_.push("1234567");
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(iir_source(), 0x0Cu);
  uart_.push("8");
  EXPECT_EQ(iir_source(), 0x04u);
  read(kRbr);
  EXPECT_EQ(iir_source(), 0x0Cu);
}

TEST_F(Uart16550Test, TriggerLevelsAreOneFourEightFourteen) {
  const std::pair<unsigned, std::size_t> levels[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xC1, 14}};
  write(kIer, 0x01);
  for (const auto& [fcr, level] : levels) {
    write(kFcr, fcr | 0x02);
    uart_.push(std::string(level - 1, 'x'));
    EXPECT_NE(iir_source(), 0x04u);
    uart_.push("x");
    EXPECT_EQ(iir_source(), 0x04u) << level;
  }
}

TEST_F(Uart16550Test, IirShowsWhetherFifosAreEnabled) {
  EXPECT_EQ(read(kIir) & 0xC0, 0u);
  write(kFcr, 0x01);
  EXPECT_EQ(read(kIir) & 0xC0, 0xC0u);
}

TEST_F(Uart16550Test, FifoBitsCountOnlyWhileFifosAreEnabled) {
  uart_.push("a");
  write(kFcr, 0x02);
  EXPECT_EQ(read(kRbr), unsigned{'a'});
}

TEST_F(Uart16550Test, ClearingOrTogglingTheFifoDropsWhatItHolds) {
  write(kFcr, 0x01);
  uart_.push("a");
  write(kFcr, 0x03);
  EXPECT_EQ(read(kLsr) & 1, 0u);
  uart_.push("b");
  write(kFcr, 0x00);
  EXPECT_EQ(read(kLsr) & 1, 0u);
}

TEST_F(Uart16550Test, EnablingTheTransmitterInterruptRequestsItAtOnce) {
  write(kIer, 0x02);
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(iir_source(), 0x02u);
}

TEST_F(Uart16550Test, ReadingIirClearsTheTransmitterInterruptUntilTheNextCharacter) {
  write(kIer, 0x02);
  EXPECT_EQ(iir_source(), 0x02u);
  EXPECT_FALSE(line_.high);
  EXPECT_EQ(iir_source(), 0x01u);
  write(kThr, 'x');
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(iir_source(), 0x02u);
}

TEST_F(Uart16550Test, EnablingTheTransmitterInterruptTwiceRequestsItOnce) {
  write(kIer, 0x02);
  read(kIir);
  write(kIer, 0x03);
  EXPECT_FALSE(line_.high);
}

TEST_F(Uart16550Test, IirThatShowsAnotherSourceKeepsTheTransmitterInterrupt) {
  write(kIer, 0x03);
  uart_.push("a");
  EXPECT_EQ(iir_source(), 0x04u);
  read(kRbr);
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(iir_source(), 0x02u);
}

TEST_F(Uart16550Test, DisabledSourcesLowerTheLine) {
  write(kIer, 0x03);
  uart_.push("a");
  write(kIer, 0x00);
  EXPECT_FALSE(line_.high);
  EXPECT_EQ(iir_source(), 0x01u);
}

TEST_F(Uart16550Test, LoopbackReturnsCharactersAndSendsNone) {
  write(kMcr, 0x10);
  write(kThr, 'x');
  EXPECT_TRUE(sent_.empty());
  EXPECT_EQ(read(kRbr), unsigned{'x'});
}

TEST_F(Uart16550Test, LoopbackHoldsInputBackUntilItEnds) {
  write(kMcr, 0x10);
  uart_.push("a");
  EXPECT_EQ(read(kLsr) & 1, 0u);
  write(kMcr, 0x00);
  EXPECT_EQ(read(kRbr), unsigned{'a'});
}

TEST_F(Uart16550Test, LoopbackWiresModemOutputsToModemInputs) {
  const std::pair<unsigned, unsigned> wires[] = {{0x02, 0x10}, {0x01, 0x20}, {0x04, 0x40}, {0x08, 0x80}};
  for (const auto& [output, input] : wires) {
    write(kMcr, 0x10 | output);
    EXPECT_EQ(read(kMsr) & 0xF0, input);
  }
}

TEST_F(Uart16550Test, ModemDeltasInterruptAndClearWhenRead) {
  write(kMcr, 0x1F);
  read(kMsr);
  write(kIer, 0x08);
  EXPECT_FALSE(line_.high);
  write(kMcr, 0x10);  // CTS, DSR, DCD fall, RI falls: its trailing edge
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(iir_source(), 0x00u);
  EXPECT_EQ(read(kMsr), 0x0Fu);
  EXPECT_EQ(read(kMsr), 0x00u);
  EXPECT_FALSE(line_.high);
}

TEST_F(Uart16550Test, RingHasADeltaOnItsTrailingEdgeOnly) {
  write(kMcr, 0x10);
  read(kMsr);
  write(kMcr, 0x14);
  EXPECT_EQ(read(kMsr), 0x40u);
  write(kMcr, 0x10);
  EXPECT_EQ(read(kMsr), 0x04u);
}

TEST_F(Uart16550Test, OverrunIsReportedOnceWithTheHighestPriority) {
  write(kIer, 0x07);
  write(kFcr, 0x01);
  write(kMcr, 0x10);
  for (unsigned i = 0; i < 17; ++i) write(kThr, i);
  EXPECT_EQ(iir_source(), 0x06u);
  EXPECT_EQ(read(kLsr), 0x63u);
  EXPECT_EQ(read(kLsr), 0x61u);
  for (unsigned i = 0; i < 16; ++i) EXPECT_EQ(read(kRbr), i);  // the 17th is lost
}

TEST_F(Uart16550Test, WithoutFifoAnOverrunReplacesTheCharacter) {
  write(kMcr, 0x10);
  write(kThr, 'a');
  write(kThr, 'b');
  EXPECT_EQ(read(kLsr) & 0x02, 0x02u);
  EXPECT_EQ(read(kRbr), unsigned{'b'});
  EXPECT_EQ(read(kLsr) & 1, 0u);
}

TEST_F(Uart16550Test, LineAndModemStatusIgnoreWrites) {
  write(kLsr, 0xFF);
  write(kMsr, 0xFF);
  EXPECT_EQ(read(kLsr), 0x60u);
  EXPECT_EQ(read(kMsr) & 0x0F, 0u);
}

TEST_F(Uart16550Test, AccessesBeyondTheRegistersOrOfEightBytesFault) {
  std::uint64_t value = 0;
  EXPECT_FALSE(uart_.read(8, 1, value));
  EXPECT_FALSE(uart_.write(0xFF, 1, 0));
  EXPECT_FALSE(uart_.read(0, 8, value));
  EXPECT_TRUE(uart_.read(0, 4, value));
}

TEST_F(Uart16550Test, RestoredStateDrivesTheInterruptLineAgain) {
  write(kIer, 0x01);
  uart_.push("a");
  const UartState saved = uart_.state();
  read(kRbr);
  uart_.restore(saved);
  EXPECT_TRUE(line_.high);
  EXPECT_EQ(read(kRbr), unsigned{'a'});
}

// QEMU's serial_ioport_write() does so, whether FIFOs were on before or not.
TEST_F(Uart16550Test, EmptyingTheTransmitterRequestsItsInterrupt) {
  write(kFcr, 0x01);
  write(kIer, 0x02);
  EXPECT_EQ(iir_source(), 0x02u);
  EXPECT_EQ(iir_source(), 0x01u);
  write(kFcr, 0x05);
  EXPECT_EQ(iir_source(), 0x02u);
}

TEST_F(Uart16550Test, AResetKeepsTheInputThatWaitsOutside) {
  write(kFcr, 0x01);
  write(kIer, 0x01);
  uart_.push("0123456789abcdefXYZ");
  ASSERT_TRUE(line_.high);
  uart_.reset();
  EXPECT_FALSE(line_.high);
  EXPECT_EQ(read(kIer), 0u);
  EXPECT_EQ(read(kRbr), static_cast<unsigned>('X')) << "what the FIFO held is lost";
  EXPECT_EQ(read(kRbr), static_cast<unsigned>('Y'));
}

}  // namespace
}  // namespace hvsim::device
