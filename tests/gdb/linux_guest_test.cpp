// A stock Linux kernel as a guest, debugged as if there were no hypervisor. There are no symbols: an address
// of its code is found in the image, which Linux maps from kLinked on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "tests/gdb/debuggee.h"
#include "tests/support/commands.h"

namespace hvsim::gdb {
namespace {

using testing::HasSubstr;

const std::string kGuest = HVSIM_SOURCE "/build/guests/debian/";
constexpr std::uint64_t kLinked = 0xFFFF'FFFF'8000'0000;
constexpr std::uint32_t kSret = 0x1020'0073;

// Where the kernel returns from traps: the last SRET in the image.
std::uint64_t address_of_sret(const std::string& image) {
  for (std::size_t at = (image.size() - sizeof kSret) & ~std::size_t{1}; at > 0; at -= 2)
    if (std::memcmp(image.data() + at, &kSret, sizeof kSret) == 0) return kLinked + at;
  return 0;
}

Json config() {
  return {{"version", 1},
          {"name", "gdb-linux"},
          {"machine", {{"harts", 2}, {"memory_bytes", "512MiB"}, {"mode", "functional"}}},
          {"hypervisor", {{"run", "target"}, {"time_slice_us", 4000}}},
          {"vms",
           {{{"name", "stock"},
             {"workload", kGuest + "Image"},
             {"initrd", kGuest + "initramfs.cpio"},
             {"bootargs", "console=ttyS0 cryptomgr.notests nokaslr"},
             {"memory_bytes", "128MiB"},
             {"vcpus", 2},
             {"sstc", true}}}},
          {"limits", {{"max_cycles", 100'000'000'000}}}};
}

TEST(LinuxGuest, ItsVcpusAreThreadsThatStopAndStepInItsOwnAddresses) {
  const tests::Ended fetched = tests::shell(tests::quoted(HVSIM_SOURCE "/hvsim") + " guest fetch debian");
  ASSERT_EQ(fetched.code, 0) << fetched.output;
  const std::uint64_t sret = address_of_sret(tests::slurp(kGuest + "Image"));
  ASSERT_NE(sret, 0u);
  std::ostringstream place;
  place << "*0x" << std::hex << sret;
  Debuggee machine(Debuggee::Kind::simulator, config(), {"--gdb-view=vcpus"});
  const std::string said = Gdb(machine,
                               {show("begin", "$pc"),
                                "info threads",
                                "tbreak " + place.str(),
                                "continue",
                                show("first", "$pc"),
                                show("instruction", "*(unsigned int*)$pc"),
                                show("satp", "$satp"),
                                show("virt", "$virt"),
                                show("sepc", "$sepc"),
                                "stepi",
                                show("stepped", "$pc"),
                                "tbreak " + place.str() + " thread 2",
                                "continue",
                                "info threads",
                                show("second", "$pc"),
                                show("other satp", "$satp"),
                                show("other sepc", "$sepc"),
                                "stepi",
                                show("other stepped", "$pc"),
                                "kill"},
                               image("hypervisor"))
                               .finish();
  auto seen = values(said);
  EXPECT_EQ(seen["begin"] >> 28, 8u) << "the kernel's physical address\n" << said;
  EXPECT_THAT(said, HasSubstr("Thread 2 (VM stock, VCPU 1: off)"));
  EXPECT_EQ(seen["first"], sret);
  EXPECT_EQ(seen["instruction"], kSret);
  EXPECT_NE(seen["satp"] >> 60, 0u) << "it translates";
  EXPECT_EQ(seen["virt"], 1u);
  EXPECT_EQ(seen["stepped"], seen["sepc"]);
  EXPECT_THAT(said, HasSubstr("* 2    Thread 2 (VM stock, VCPU 1: runs on hart"));
  EXPECT_EQ(seen["second"], sret);
  EXPECT_EQ(seen["other satp"] >> 60, seen["satp"] >> 60);
  EXPECT_EQ(seen["other stepped"], seen["other sepc"]);
}

}  // namespace
}  // namespace hvsim::gdb
