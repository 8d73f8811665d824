// Bundles, good ones and hostile ones: one line says what is wrong, and nothing is read outside.
#include "hypervisor/bundle.h"

#include "sim/image/fdt_writer.h"
#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/random.h"

namespace hv {
namespace {

using hvsim::sim::FdtWriter;

struct VmNode {
  std::string name = "vm";
  std::uint64_t memory = 0x10000;
  std::uint32_t vcpus = 1;
  std::size_t image_bytes = 16;
  std::size_t argument_bytes = 0;
  std::vector<std::uint32_t> harts = {};
};

// Bundles that the project's own writer would refuse to make.
std::vector<std::byte> raw_bundle(const std::vector<VmNode>& vms, const std::string& property = "",
                                  std::uint32_t value = 0, const std::string& delivery = "dlh",
                                  std::uint32_t version = 1) {
  FdtWriter writer;
  writer.text("compatible", "hvsim,bundle");
  writer.cell("version", version);
  writer.begin("hypervisor");
  writer.text("delivery", delivery);
  if (!property.empty()) writer.cell(property, value);
  writer.end();
  writer.begin("vms");
  for (std::size_t i = 0; i < vms.size(); ++i) {
    writer.begin("vm@" + std::to_string(i));
    writer.text("name", vms[i].name);
    writer.cells64("memory-bytes", {vms[i].memory});
    writer.cell("vcpus", vms[i].vcpus);
    if (!vms[i].harts.empty()) writer.cells("harts", vms[i].harts);
    writer.text("arguments", std::string(vms[i].argument_bytes, 'a'));
    if (vms[i].image_bytes != 0) writer.bytes("image", std::vector<std::byte>(vms[i].image_bytes));
    writer.end();
  }
  writer.end();
  return *writer.finish();
}

std::string refusal(std::span<const std::byte> blob) {
  Text why;
  return Bundle::open(blob, why) ? "accepted" : std::string(why.view());
}

TEST(Bundle, CarriesSettingsAndVms) {
  BundleDescription description;
  description.delivery = abi::Delivery::dlh;
  description.calls_per_notification = 8;
  description.queue_capacity = 32;
  description.drain_budget_cycles = 1234;
  description.max_deferred_entries = 5;
  description.time_slice_us = 500;
  description.tick_when_alone = true;
  description.vms = {small_vm("first"), small_vm("second", 2, {0, 3})};
  description.vms[1].arguments = "calls=10 seed=2";
  description.vms[1].sstc = true;
  const auto blob = *hvsim::sim::make_bundle(description);
  Text why;
  const auto bundle = Bundle::open(blob, why);
  ASSERT_TRUE(bundle) << why.view();
  EXPECT_EQ(bundle->settings().delivery, abi::Delivery::dlh);
  EXPECT_EQ(bundle->settings().calls_per_notification, 8u);
  EXPECT_EQ(bundle->settings().dlh.capacity, 32u);
  EXPECT_EQ(bundle->settings().dlh.drain_budget_cycles, 1234u);
  EXPECT_EQ(bundle->settings().dlh.max_deferred_entries, 5u);
  EXPECT_EQ(bundle->settings().time_slice_us, 500u);
  EXPECT_TRUE(bundle->settings().tick_when_alone);
  ASSERT_EQ(bundle->vm_count(), 2u);
  EXPECT_EQ(bundle->vm(0).harts, ~std::uint64_t{0});
  EXPECT_EQ(bundle->vm(1).name, "second");
  EXPECT_EQ(bundle->vm(1).harts, 0b1001u);
  EXPECT_EQ(bundle->vm(1).vcpus, 2u);
  EXPECT_TRUE(bundle->vm(1).sstc);
  EXPECT_EQ(bundle->vm(1).arguments, "calls=10 seed=2");
  EXPECT_EQ(bundle->vm(1).image.size(), 64u);
}

TEST(Bundle, SaysWhatIsWrong) {
  const VmNode good;
  const auto with = [&](auto change) {
    VmNode vm = good;
    change(vm);
    return refusal(raw_bundle({vm}));
  };
  EXPECT_EQ(refusal(raw_bundle({good})), "accepted");
  EXPECT_EQ(refusal(raw_bundle({})), "bundle: no VMs in it");
  EXPECT_EQ(refusal(raw_bundle({good}, "", 0, "dlh", 2)), "bundle: not an hvsim,bundle of version 1");
  EXPECT_EQ(refusal(raw_bundle({good}, "", 0, "later")),
            "hypervisor: delivery must be immediate, dlh, multicall, softirq, dlh_ring, polling or free");
  EXPECT_EQ(refusal(raw_bundle({good, good})), "vm@1: name is taken by an earlier VM");
  EXPECT_EQ(refusal(raw_bundle({good}, "queue-capacity", 0)), "hypervisor: queue-capacity must be 1..256");
  EXPECT_EQ(refusal(raw_bundle({good}, "queue-capacity", 257)), "hypervisor: queue-capacity must be 1..256");
  EXPECT_EQ(refusal(raw_bundle({good}, "calls-per-notification", 65)),
            "hypervisor: calls-per-notification must be 1..64");
  EXPECT_EQ(refusal(raw_bundle({good}, "time-slice-us", 1)),
            "hypervisor: time-slice-us must be 10..10000000");
  EXPECT_EQ(with([](VmNode& vm) { vm.name = ""; }), "vm@0: name must be 1..31 printable characters");
  EXPECT_EQ(with([](VmNode& vm) { vm.name = std::string(32, 'x'); }),
            "vm@0: name must be 1..31 printable characters");
  EXPECT_EQ(with([](VmNode& vm) { vm.name = "a] [b"; }), "vm@0: name must be 1..31 printable characters");
  EXPECT_EQ(with([](VmNode& vm) { vm.name = "hv"; }), "vm@0: name must be 1..31 printable characters");
  EXPECT_EQ(with([](VmNode& vm) { vm.memory = 0x10001; }),
            "vm@0: memory-bytes must be whole 4 KiB pages, at most 4 GiB");
  EXPECT_EQ(with([](VmNode& vm) { vm.memory = ~std::uint64_t{0xfff}; }),
            "vm@0: memory-bytes must be whole 4 KiB pages, at most 4 GiB");
  EXPECT_EQ(with([](VmNode& vm) { vm.memory = 0x1000; }),
            "vm@0: memory-bytes is too small for the image and two pages");
  EXPECT_EQ(with([](VmNode& vm) { vm.memory = 0; }),
            "vm@0: memory-bytes is too small for the image and two pages");
  EXPECT_EQ(with([](VmNode& vm) { vm.image_bytes = 0; }), "vm@0: image is missing");
  EXPECT_EQ(with([](VmNode& vm) { vm.vcpus = 0; }), "vm@0: vcpus must be 1..8");
  EXPECT_EQ(with([](VmNode& vm) { vm.vcpus = 9; }), "vm@0: vcpus must be 1..8");
  EXPECT_EQ(with([](VmNode& vm) { vm.harts = {64}; }), "vm@0: harts must be a list of numbers below 64");
  EXPECT_EQ(with([](VmNode& vm) { vm.argument_bytes = 512; }),
            "vm@0: arguments must be shorter than 512 characters");
}

TEST(Bundle, HoldsSixtyFourVmsAndNoMore) {
  std::vector<VmNode> vms(kMaxVms + 1);
  for (std::size_t i = 0; i < vms.size(); ++i) vms[i].name = "vm" + std::to_string(i);
  EXPECT_EQ(refusal(raw_bundle(vms)), "vm@64: too many VMs");
  vms.pop_back();
  EXPECT_EQ(refusal(raw_bundle(vms)), "accepted");
}

TEST(Bundle, IsRefusedWhenCutShortAtEveryLength) {
  const auto blob = raw_bundle({VmNode{}});
  for (std::size_t length = 0; length < blob.size(); ++length) {
    const std::vector<std::byte> exact(blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(refusal(exact), "bundle: not a flattened device tree, or cut short") << length;
  }
}

// Whatever is in a bundle, booting it succeeds or says why; memory outside is never touched.
TEST(Bundle, BootsOrIsRefusedWhateverItsBytes) {
  Random random(99);
  const auto blob = raw_bundle({VmNode{}, VmNode{.name = "other", .harts = {0, 1}}});
  unsigned booted = 0;
  for (unsigned round = 0; round < 300; ++round) {
    auto damaged = blob;
    for (unsigned n = random() % 3 + 1; n != 0; --n)
      damaged[40 + random() % (damaged.size() - 40)] = static_cast<std::byte>(random());
    Bench bench(2);
    const std::string error = bench.boot(damaged);
    EXPECT_FALSE(bench.machine.out_of_ram);
    booted += error.empty() ? 1 : 0;
  }
  EXPECT_GT(booted, 0u);
  EXPECT_LT(booted, 300u);
}

TEST(Bundle, NamesTheVmThatDoesNotFitTheMachine) {
  Bench bench(2);
  BundleDescription description;
  description.vms = {small_vm("pinned", 1, {5})};
  EXPECT_EQ(bench.boot(description), "pinned: none of its harts exist");

  Bench small(1);
  description.vms = {small_vm("large")};
  description.vms[0].memory_bytes = 64 << 20;
  EXPECT_EQ(small.boot(description), "large: not enough memory for it");
}

TEST(Statistics, AreOneWholeLineHoweverLong) {
  Bench bench;
  const std::string name(kMaxNameBytes, 'n');
  ASSERT_EQ(bench.boot(raw_bundle({{.name = name}}, "print-statistics", 1)), "");
  bench.interrupt_idle(0);
  bench.harts[0].registers.vs.vstvec = abi::kGuestMemoryBase;  // takes what is reflected
  for (unsigned i = 0; i < 12000; ++i) {
    bench.software(0);
    bench.timer(0);
    bench.exit(0, make_exit(2, 0, 0));
    bench.exit(0, make_exit(22, 0, 0));
    bench.call(0, abi::Hypercall::vm_info);
  }
  bench.machine.console.clear();
  bench.exit(0, make_exit(23, 0, 0));
  const std::string& text = bench.machine.console;
  const std::size_t start = text.find("[hv] statistics " + name + " SUPERVISOR_SYSCALL=12000 ");
  ASSERT_NE(start, std::string::npos) << text;
  EXPECT_GT(text.size() - start, 256u);
  const std::string last = " completion_interrupts=0 run_us=0 steal_us=0 wait_us=0 capped_us=0\n";
  EXPECT_EQ(text.substr(text.size() - last.size()), last);
}

}  // namespace
}  // namespace hv
