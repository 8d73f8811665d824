// Introspection of a kernel that the guest has made up: what hangs together is found, and whatever is wrong
// with it, each step stays short and the last one says why not.
#include "hypervisor/sharing/linux/introspection.h"

#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/synthetic_kernel.h"

namespace hv {
namespace {

struct Looked {
  Introspection::Result result = Introspection::Result::more;
  std::string why;
  std::uint64_t steps = 0, longest = 0;  // longest: accesses to memory in one step
  MapLayout layout;
};

Looked look(const SyntheticKernel& kernel) {
  Bench bench;
  BundleDescription description;
  description.vms = {kernel.vm()};
  bench.start(description);
  std::uint64_t accesses = 0;
  bench.machine.on_operation = [&] { ++accesses; };
  Looked looked;
  auto introspection = std::make_unique<Introspection>();
  introspection->begin(bench.core->vm(0));
  for (; looked.result == Introspection::Result::more && looked.steps < 10'000; ++looked.steps) {
    accesses = 0;
    looked.result = introspection->step(bench.harts[0], bench.core->vm(0));
    looked.longest = std::max(looked.longest, accesses);
  }
  looked.why = introspection->why();
  looked.layout = introspection->layout();
  return looked;
}

constexpr std::uint64_t kShort = 100'000;  // accesses: what going over 256 KiB or 4096 types may take

TEST(Introspection, FindsThePageDescriptorsOfAKernelThatHangsTogether) {
  const Looked looked = look(SyntheticKernel{});
  EXPECT_EQ(looked.result, Introspection::Result::found) << looked.why;
  EXPECT_EQ(looked.layout.entry_bytes, 64u);
  EXPECT_EQ(looked.layout.state_free, 0xF0000000u);
  EXPECT_EQ(looked.layout.order_offset, 32u);
  EXPECT_LT(looked.longest, kShort);
}

// Six unnamed members that are the struct itself: 6^7 ways through seven levels.
TEST(Introspection, GivesUpOnTypesThatHoldThemselves) {
  for (const std::uint32_t selves : {6u, 6000u}) {
    const Looked looked = look(SyntheticKernel{selves});
    EXPECT_EQ(looked.result, Introspection::Result::declined);
    EXPECT_EQ(looked.why, "its types hold each other more often than any kernel's");
    EXPECT_LT(looked.longest, kShort);
  }
}

// What looks like the tokens of a symbol table, again and again, each with no end of symbols behind it.
TEST(Introspection, GivesUpOnAnImageFullOfSymbolTables) {
  SyntheticKernel kernel;
  std::string tokens, index;
  for (unsigned token = 0; token < 256; ++token) {
    const auto at = static_cast<std::uint16_t>(tokens.size());
    index.append(reinterpret_cast<const char*>(&at), sizeof at);
    tokens += {token == 0 ? 'x' : static_cast<char>(token), '\0'};
  }
  for (std::uint64_t at = SyntheticKernel::kSymbols; at + 1024 < SyntheticKernel::kBytes; at += 1024)
    kernel.put(at, tokens + index);
  const Looked looked = look(kernel);
  EXPECT_EQ(looked.result, Introspection::Result::declined);
  EXPECT_EQ(looked.why, "its image is full of things like a symbol table");
  EXPECT_LT(looked.longest, kShort);
}

}  // namespace
}  // namespace hv
