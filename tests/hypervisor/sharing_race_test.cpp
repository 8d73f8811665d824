// The sharing race, explored: a guest allocates a free page and writes to it at every point of C1, R, fence,
// C2 and share, from harts that hold old translations. No write may be lost; without the second check, or
// without the fence, one is, so the explorer sees what it looks for.
#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <vector>

#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/cooperative_map.h"
#include "tests/hypervisor/sharing_audit.h"

namespace hv {
namespace {

using hvsim::isa::kPageBytes;

constexpr std::uint64_t kBase = abi::kGuestMemoryBase;

// Where and what the free page is: a 4 KiB page among used ones, or all of a 2 MiB block.
struct Place {
  std::uint64_t memory_bytes, first_page, pages;  // of the map
  std::uint64_t page;                             // the one that is fought for
  std::uint32_t order;                            // of its free run
};
constexpr Place kSmallPage{64 << 10, 4, 10, 8, 0};
constexpr Place kWholeBlock{(6 << 20), 512, 512, 512, 9};

// The translations that a modelled hart keeps, and what guests do with them.
class Explorer {
 public:
  Explorer(unsigned hart_count, const Place& place, SharingAblation ablation)
      : bench(hart_count), place_(place), tlbs_(hart_count) {
    BundleDescription bundle;
    bundle.sharing.policy = SharingPolicy::memory_map;
    bundle.sharing.ablation = ablation;
    bundle.sharing.period_us = 100;
    bundle.sharing.step_gap_us = 1;
    bundle.sharing.epoch_us = 1'000'000'000;
    std::vector<unsigned> guest_harts;
    for (unsigned hart = hart_count == 1 ? 0 : 1; hart < hart_count; ++hart) guest_harts.push_back(hart);
    BundleVm vm = small_vm("a", static_cast<unsigned>(guest_harts.size()), guest_harts);
    vm.memory_bytes = place.memory_bytes;
    bundle.vms.push_back(vm);
    bench.start(bundle);
    for (unsigned hart = 0; hart < hart_count; ++hart)
      if (bench.on[hart] != nullptr) guests_.push_back(hart);
    start_others();
    bench.machine.on_fence = [this](const GuestFence& fence) { drop_translations(fence); };
    publish();
  }

  // One scan round while the guest marks the page as used at point `mark` and `writer` writes to it
  // `distance` points later. False: the write was lost.
  bool round(std::uint64_t mark, std::uint64_t distance, unsigned writer) {
    set_free();
    for (const unsigned hart : guests_) write(hart, kOld);  // everybody holds a writable translation
    points_ = 0;
    mark_at_ = mark, write_at_ = mark + distance;
    writer_ = writer;
    state_ = State::waiting;
    bench.machine.on_operation = [this] { point(); };
    run_round();
    bench.machine.on_operation = nullptr;
    last_points_ = points_;
    while (state_ != State::written) act();
    const bool kept = read(writer_) == kNew && read_through_table() == kNew;
    audit_memory(bench);
    return kept;
  }
  std::uint64_t points() const { return last_points_; }
  std::size_t guests() const { return guests_.size(); }
  unsigned guest(std::size_t n) const { return guests_[n]; }

  Bench bench;

 private:
  enum class State : std::uint8_t { waiting, marked, written };
  static constexpr std::uint64_t kOld = 0x0101010101010101, kNew = 0x4E4E4E4E4E4E4E4E;
  struct Translation {
    Hpa frame;
    bool writable;
  };

  // VCPUs beyond the first are started by the guest.
  void start_others() {
    const unsigned boot = guests_.empty() ? 0 : guests_[0];
    for (std::uint64_t number = 1; number < bench.core->vm(0).vcpus; ++number)
      EXPECT_EQ(bench.ecall(boot, 0x48534D, 0, {number, kBase, 0}).error, 0);
    for (unsigned hart = 0; hart < bench.harts.size(); ++hart)
      if (bench.on[hart] == nullptr) bench.interrupt_idle(hart);
    guests_.clear();
    for (unsigned hart = 0; hart < bench.harts.size(); ++hart)
      if (bench.on[hart] != nullptr) guests_.push_back(hart);
    EXPECT_EQ(guests_.size(), bench.core->vm(0).vcpus);
  }

  void publish() {
    const abi::MemoryMapDescriptor descriptor = cooperative_map(place_.first_page, place_.pages);
    bench.write_guest(0, kDescriptorAt, &descriptor, sizeof descriptor);
    publish_map(bench, 0);
  }
  void set_entry(MapEntry entry) {
    bench.write_guest(0, kEntriesAt + (place_.page - place_.first_page) * sizeof entry, &entry, sizeof entry);
  }
  void set_free() { set_entry({kFreeState, place_.order}); }

  void run_round() {
    const std::uint64_t rounds = bench.core->vm(0).sharing[SharingCounter::rounds];
    for (unsigned step = 0; step < 64 && bench.core->vm(0).sharing[SharingCounter::rounds] == rounds;
         ++step) {
      bench.machine.ticks += 1000;
      in_hypervisor_ = true;
      if (bench.on[0] == nullptr)
        bench.interrupt_idle(0);
      else
        bench.timer(0);
      in_hypervisor_ = false;
      point();  // between the steps the guest runs everywhere
    }
    EXPECT_NE(bench.core->vm(0).sharing[SharingCounter::rounds], rounds) << "the round never ended";
  }

  // With one hart the guest runs only while the hypervisor does not.
  void point() {
    if (inside_ || (bench.harts.size() == 1 && in_hypervisor_)) return;
    ++points_;
    if (state_ == State::waiting && points_ > mark_at_) act();
    if (state_ == State::marked && points_ > write_at_) act();
  }

  // The next thing that the guest does. A write that faults waits for the VM's lock, like a hart would.
  void act() {
    inside_ = true;
    if (state_ == State::waiting) {
      set_entry({0, 0});
      state_ = State::marked;
    } else if (state_ == State::marked && write(writer_, kNew)) {
      state_ = State::written;
    }
    inside_ = false;
  }

  Gpa address() const { return Gpa{kBase + place_.page * kPageBytes}; }
  std::optional<StageTwoTable::Leaf> leaf() {
    return bench.core->vm(0).table.leaf(bench.harts[writer_], address());
  }

  bool write(unsigned hart, std::uint64_t value) {
    auto& held = tlbs_[hart];
    for (unsigned tries = 0; tries < 3; ++tries) {
      if (held && held->writable) {
        bench.harts[hart].copy_out(held->frame, &value, sizeof value);
        return true;
      }
      const auto walked = leaf();
      if (walked->right == LeafRight::write) {
        held = Translation{walked->frame, true};
        continue;
      }
      if (bench.machine.held_locks != 0) return false;
      const Vcpu* const before = bench.on[hart];
      bench.exit(hart, make_exit(23, address().value & 3, address().value >> 2));
      EXPECT_EQ(bench.on[hart], before);
    }
    ADD_FAILURE() << "the write faults again and again";
    return true;
  }
  std::uint64_t read(unsigned hart) {
    auto& held = tlbs_[hart];
    if (!held) held = Translation{leaf()->frame, leaf()->right == LeafRight::write};
    return bench.harts[hart].read_word(held->frame);
  }
  std::uint64_t read_through_table() { return bench.harts[0].read_word(leaf()->frame); }

  void drop_translations(const GuestFence& fence) {
    for (unsigned hart = 0; hart < tlbs_.size(); ++hart) {
      const bool this_page = fence.page == GuestFence::kWhole || fence.page == address().value;
      if ((fence.harts >> hart & 1) != 0 && this_page && fence.kind != GuestFence::Kind::instructions)
        tlbs_[hart].reset();
    }
  }

  Place place_;
  std::vector<std::optional<Translation>> tlbs_;
  std::vector<unsigned> guests_;
  std::uint64_t points_ = 0, last_points_ = 0, mark_at_ = 0, write_at_ = 0;
  unsigned writer_ = 0;
  State state_ = State::waiting;
  bool inside_ = false, in_hypervisor_ = false;
};

struct Explored {
  std::uint64_t rounds = 0, lost = 0;
};

// Every point for the mark, every distance to the write up to the end of the round, from every hart. Where
// that takes long, about `most` of each, evenly spread; HVSIM_SHARING_ALL=1 asks for all of them.
constexpr std::uint64_t kAll = ~std::uint64_t{0};
Explored explore(Explorer& explorer, std::uint64_t most) {
  Explored result;
  for (std::size_t n = 0; n < explorer.guests(); ++n) {
    explorer.round(~std::uint64_t{0} >> 1, 0, explorer.guest(n));
    const std::uint64_t points = explorer.points();
    const bool all = std::getenv("HVSIM_SHARING_ALL") != nullptr;
    const std::uint64_t stride = all || most == kAll ? 1 : points / most + 1;
    for (std::uint64_t mark = 0; mark <= points; mark += stride)
      for (std::uint64_t write = 0; mark + write <= points + 1; write += stride) {
        ++result.rounds;
        if (!explorer.round(mark, write, explorer.guest(n))) ++result.lost;
        if (testing::Test::HasFailure()) return result;
      }
  }
  return result;
}

class SharingRace : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(Harts, SharingRace, testing::Values(1u, 2u, 4u));

TEST_P(SharingRace, NoWriteToASmallPageIsLost) {
  Explorer explorer(GetParam(), kSmallPage, SharingAblation::none);
  const Explored explored = explore(explorer, GetParam() == 4 ? 60 : kAll);
  EXPECT_EQ(explored.lost, 0u) << "of " << explored.rounds;
  const VmSharing& sharing = explorer.bench.core->vm(0).sharing;
  RecordProperty("rounds", static_cast<int>(explored.rounds));
  EXPECT_GT(sharing[SharingCounter::unshared_pages], 0u) << "no write ever came after sharing";
  EXPECT_GT(sharing[SharingCounter::marked_writes], 0u) << "no write ever came between mark and share";
}

TEST_P(SharingRace, NoWriteToABlockIsLost) {
  Explorer explorer(GetParam(), kWholeBlock, SharingAblation::none);
  const Explored explored = explore(explorer, 24);
  EXPECT_EQ(explored.lost, 0u) << "of " << explored.rounds;
  EXPECT_GT(explorer.bench.core->vm(0).sharing[SharingCounter::unshared_pages], 0u);
}

TEST(SharingRacePlanted, WithoutTheSecondCheckAWriteIsLost) {
  Explorer explorer(2, kSmallPage, SharingAblation::no_second_check);
  EXPECT_GT(explore(explorer, kAll).lost, 0u);
}

TEST(SharingRacePlanted, WithoutTheRemoteFenceAWriteIsLost) {
  Explorer explorer(2, kSmallPage, SharingAblation::no_remote_fence);
  EXPECT_GT(explore(explorer, kAll).lost, 0u);
}

}  // namespace
}  // namespace hv
