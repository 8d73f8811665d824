// Random operations on the PLIC and on a model that is as plain as the specification's prose.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>

#include "models/irq/plic.h"
#include "tests/unit/irq/recorded_lines.h"

namespace hvsim::irq {
namespace {

constexpr unsigned kHarts = 3, kContexts = 6, kSources = 96;

struct PlainPlic {
  enum class Gateway { idle, requested, in_service };
  struct Source {
    bool level = false;
    unsigned priority = 0;
    Gateway gateway = Gateway::idle;
  };
  struct Context {
    std::set<unsigned> enabled;
    unsigned threshold = 0;
  };
  Source sources[kSources + 1];
  Context contexts[kContexts];

  void set_level(unsigned id, bool level) {
    sources[id].level = level;
    if (level && sources[id].gateway == Gateway::idle) sources[id].gateway = Gateway::requested;
  }
  unsigned best(unsigned context) const {
    unsigned winner = 0, highest = 0;
    for (unsigned id : contexts[context].enabled)
      if (sources[id].gateway == Gateway::requested && sources[id].priority > highest) {
        winner = id;
        highest = sources[id].priority;
      }
    return winner;
  }
  bool output(unsigned context) const {
    const unsigned id = best(context);
    return id != 0 && sources[id].priority > contexts[context].threshold;
  }
  unsigned claim(unsigned context) {
    const unsigned id = best(context);
    if (id != 0) sources[id].gateway = Gateway::in_service;
    return id;
  }
  void complete(unsigned context, unsigned id) {
    if (!contexts[context].enabled.contains(id) || sources[id].gateway != Gateway::in_service) return;
    sources[id].gateway = Gateway::idle;
    set_level(id, sources[id].level);
  }
};

class RandomPlic : public testing::TestWithParam<std::uint32_t> {
 protected:
  unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
  // Few sources, so that they meet.
  unsigned some_source() { return below(4) == 0 ? 1 + below(kSources) : 30 + below(6); }

  void step() {
    const unsigned context = below(kContexts), source = some_source();
    switch (below(6)) {
      case 0: {
        const bool level = below(2) != 0;
        plic_.set_level(source, level);
        plain_.set_level(source, level);
        break;
      }
      case 1: {
        const unsigned priority = below(8);
        ASSERT_TRUE(plic_.write(source * 4, 4, priority));
        plain_.sources[source].priority = priority;
        break;
      }
      case 2:
        toggle_enable(context, source);
        break;
      case 3: {
        const unsigned threshold = below(8) / 2;
        ASSERT_TRUE(plic_.write(0x200000 + 0x1000 * context, 4, threshold));
        plain_.contexts[context].threshold = threshold;
        break;
      }
      case 4: {
        std::uint64_t claimed = 0;
        ASSERT_TRUE(plic_.read(0x200004 + 0x1000 * context, 4, claimed));
        ASSERT_EQ(claimed, plain_.claim(context));
        break;
      }
      default:
        ASSERT_TRUE(plic_.write(0x200004 + 0x1000 * context, 4, source));
        plain_.complete(context, source);
    }
  }
  void toggle_enable(unsigned context, unsigned source) {
    auto& enabled = plain_.contexts[context].enabled;
    if (!enabled.erase(source)) enabled.insert(source);
    std::uint32_t word = 0;
    for (unsigned id : enabled)
      if (id / 32 == source / 32) word |= 1u << id % 32;
    ASSERT_TRUE(plic_.write(0x2000 + 0x80 * context + source / 32 * 4, 4, word));
  }
  void compare() {
    for (unsigned context = 0; context < kContexts; ++context)
      ASSERT_EQ(harts_[context / 2].high(context % 2 == 0 ? 11 : 9), plain_.output(context)) << context;
    for (unsigned id = 1; id <= kSources; ++id) {
      std::uint64_t word = 0;
      ASSERT_TRUE(plic_.read(0x1000 + id / 32 * 4, 4, word));
      ASSERT_EQ((word >> id % 32 & 1) != 0, plain_.sources[id].gateway == PlainPlic::Gateway::requested)
          << id;
    }
  }

  std::mt19937 random_{GetParam()};
  std::array<RecordedLines, kHarts> harts_;
  Plic plic_{{&harts_[0], &harts_[1], &harts_[2]}};
  PlainPlic plain_;
};

TEST_P(RandomPlic, BehavesAsThePlainModel) {
  for (int i = 0; i < 20000 && !HasFatalFailure(); ++i) {
    SCOPED_TRACE(i);
    step();
    compare();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPlic, testing::Values(1u, 2u, 3u, 4u));

// Any offset, any width, any value: only words are registers, and the outputs follow the contexts.
TEST(PlicAccesses, RandomOffsetsAndValuesNeverLeaveTheRegisterMap) {
  std::mt19937_64 random(7);
  std::array<RecordedLines, kHarts> harts;
  Plic plic({&harts[0], &harts[1], &harts[2]});
  for (unsigned step = 0; step < 200'000; ++step) {
    const unsigned bytes = 1u << random() % 4;
    const std::uint64_t limit = random() % 4 == 0 ? Plic::kBytes : random() % 2 == 0 ? 0x2800 : 0x206000;
    const std::uint64_t offset = random() % limit / bytes * bytes;
    std::uint64_t value = random();
    if (random() % 8 == 0) plic.set_level(static_cast<unsigned>(random()), value % 2 != 0);
    ASSERT_EQ(random() % 2 == 0 ? plic.read(offset, bytes, value) : plic.write(offset, bytes, value),
              bytes == 4);
  }
  const PlicState& state = plic.state();
  ASSERT_EQ(state.contexts.size(), kContexts);
  for (const auto& context : state.contexts) EXPECT_LE(context.threshold, 7u);
  for (const auto priority : state.priority) EXPECT_LE(priority, 7u);
  EXPECT_EQ(state.priority[0], 0u);
  EXPECT_EQ((state.pending[0] | state.claimed[0]) & 1, 0u) << "there is no source 0";
  EXPECT_EQ((state.pending[3] | state.claimed[3]) >> 1, 0u) << "and none above 96";
}

}  // namespace
}  // namespace hvsim::irq
