// What page hints and the dirty log do, by the policy, and that their answers are true.
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/hypervisor/sharing_audit.h"
#include "tests/hypervisor/sharing_guests.h"

namespace hv {
namespace {

using abi::Hypercall;

std::int64_t hint(Guests& guests, unsigned vm, Hypercall call, Gpa at, std::uint64_t order = 0) {
  if (!guests.run(vm)) return -100;
  return guests.bench.call(0, call, {at.value, order}).error;
}
LeafRight right(Guests& guests, unsigned vm, std::uint64_t page) {
  return guests.bench.core->vm(vm).table.leaf(guests.bench.harts[0], Guests::page(page))->right;
}
std::uint64_t frames_of(Guests& guests, unsigned vm) {
  return guests.count(vm, SharingCounter::private_pages);
}

TEST(PageHints, AReleaseIsDoneWithAnyPolicyThatSharesAndRefusedWhereNothingIsShared) {
  for (const SharingPolicy policy :
       {SharingPolicy::balloon, SharingPolicy::memory_map, SharingPolicy::content_scan}) {
    Guests guests(with_policy(policy));
    guests.fill(0, 40, 7);
    const std::uint64_t free = guests.bench.core->page_pool().free_pages();
    EXPECT_EQ(hint(guests, 0, Hypercall::page_release, Guests::page(40)), abi::kSuccess);
    EXPECT_EQ(guests.bench.core->page_pool().free_pages(), free + 1);
    EXPECT_EQ(right(guests, 0, 40), LeafRight::shared);
    EXPECT_EQ(guests.load(0, Guests::page(40)), 0u);
    audit_memory(guests.bench);
  }
  Guests guests(with_policy(SharingPolicy::none));
  EXPECT_EQ(hint(guests, 0, Hypercall::page_release, Guests::page(40)), abi::kErrorNotSupported);
}

// With no page left in the pool, splitting 2 MiB of a VM takes one that was kept for that.
TEST(PageHints, AReleaseOfPartOfABlockSucceedsWhenThePoolIsEmpty) {
  BundleDescription description = with_policy(SharingPolicy::balloon);
  description.sharing.demand = true;
  description.sharing.unshare_blocks = true;
  Guests guests(description, 16 << 20, 2);
  const PagePool& pool = guests.bench.core->page_pool();
  const std::uint64_t blocks = pool.kept_pages();
  EXPECT_EQ(blocks, 16u);
  for (unsigned vm = 0; vm < 2; ++vm)
    for (std::uint64_t n = 0; n < 4000 && guests.store(vm, Guests::page(n), n + 1); ++n) {
    }
  ASSERT_EQ(pool.pages_to_give(), 0u);
  EXPECT_EQ(pool.kept_pages() + guests.count(0, SharingCounter::splintered_blocks) +
                guests.count(1, SharingCounter::splintered_blocks),
            blocks);
  audit_memory(guests.bench);

  const auto leaf = guests.bench.core->vm(0).table.leaf(guests.bench.harts[0], Guests::page(1200));
  ASSERT_EQ(leaf->level, 1u);
  ASSERT_EQ(leaf->right, LeafRight::write);
  const std::uint64_t free = pool.free_pages(), kept = pool.kept_pages();
  EXPECT_EQ(hint(guests, 0, Hypercall::page_release, Guests::page(1200)), abi::kSuccess);
  EXPECT_EQ(pool.kept_pages(), kept - 1);
  EXPECT_EQ(right(guests, 0, 1200), LeafRight::shared);
  EXPECT_EQ(pool.free_pages(), free);  // the table for the frame
  audit_memory(guests.bench);
}

TEST(PageHints, AClaimGivesFramesAheadOfTheWriteSoManyAtATime) {
  Guests guests(with_policy(SharingPolicy::balloon), 4 << 20, 1);
  for (std::uint64_t n = 0; n < 200; ++n) guests.fill(0, n, 7);
  const Gpa at{kBase + (64 << 12)};  // page 48 here
  ASSERT_EQ(hint(guests, 0, Hypercall::page_release, at, 6), abi::kSuccess);
  const std::uint64_t before = frames_of(guests, 0);
  EXPECT_EQ(hint(guests, 0, Hypercall::page_claim, at, 4), abi::kSuccess);
  EXPECT_EQ(frames_of(guests, 0), before + 16);
  EXPECT_EQ(right(guests, 0, 48), LeafRight::write);
  EXPECT_EQ(right(guests, 0, 64), LeafRight::shared);
  EXPECT_EQ(guests.load(0, Guests::page(48)), 0u);
  EXPECT_EQ(hint(guests, 0, Hypercall::page_claim, at, 6), abi::kErrorFailed);  // 48 are missing
  EXPECT_EQ(frames_of(guests, 0), before + 16 + GuestFrames::kMostAhead);
  EXPECT_EQ(hint(guests, 0, Hypercall::page_claim, at, 6), abi::kSuccess);
  EXPECT_EQ(frames_of(guests, 0), before + 64);
  EXPECT_EQ(hint(guests, 0, Hypercall::page_claim, Gpa{kBase}, 10), abi::kErrorInvalidParameter);
  audit_memory(guests.bench);
}

TEST(PageHints, AClaimFailsWhenThereIsNoFrame) {
  BundleDescription description;
  description.sharing.demand = true;
  Guests guests(description, 16 << 20, 2);
  for (unsigned vm = 0; vm < 2; ++vm)
    for (std::uint64_t n = 0; n < 4000 && guests.store(vm, Guests::page(n), n + 1); ++n) {
    }
  ASSERT_TRUE(guests.run(0));
  EXPECT_EQ(hint(guests, 0, Hypercall::page_claim, Guests::page(4040)), abi::kErrorFailed);
  audit_memory(guests.bench);
}

TEST(PageHints, UnsharedPagesKeepTheirFramesThoughTheMapSaysThatTheyAreFree) {
  Guests guests(with_policy(SharingPolicy::memory_map));
  guests.publish(0);
  for (std::uint64_t n = 0; n < 50; ++n) guests.set_map(0, n, true);
  guests.scan();
  ASSERT_EQ(guests.count(0, SharingCounter::shared_pages), 50u);
  EXPECT_EQ(hint(guests, 0, Hypercall::unshare, Guests::page(16), 4), abi::kSuccess);
  EXPECT_EQ(right(guests, 0, 16), LeafRight::write);
  EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), 34u);
  guests.scan();
  EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), 34u);
  EXPECT_EQ(hint(guests, 0, Hypercall::share, Guests::page(16), 4), abi::kSuccess);
  guests.scan();
  EXPECT_EQ(guests.count(0, SharingCounter::shared_pages), 50u);
  audit_memory(guests.bench);
}

TEST(PageHints, UnsharedPagesKeepTheirFramesThoughOthersHoldTheSame) {
  Guests guests(with_policy(SharingPolicy::content_scan));
  for (unsigned vm = 0; vm < 2; ++vm) guests.fill(vm, 5, 0xABCD);
  guests.scan(400);
  ASSERT_EQ(right(guests, 0, 5), LeafRight::shared);
  EXPECT_EQ(hint(guests, 0, Hypercall::unshare, Guests::page(5)), abi::kSuccess);
  EXPECT_EQ(right(guests, 0, 5), LeafRight::write);
  EXPECT_EQ(guests.load(0, Guests::page(5)), 0xABCDu);
  guests.scan(400);
  EXPECT_EQ(right(guests, 0, 5), LeafRight::write);
  EXPECT_EQ(hint(guests, 0, Hypercall::share, Guests::page(5)), abi::kSuccess);
  guests.scan(400);
  EXPECT_EQ(right(guests, 0, 5), LeafRight::shared);
  audit_memory(guests.bench);
}

// In a VM whose map takes eight steps each of the two looks.
TEST(PageHints, WhatAGuestAsksToShareIsLookedAtFirst) {
  BundleDescription description = with_policy(SharingPolicy::memory_map);
  description.sharing.splinter_free_pages = 1;
  Guests guests(description, 16 << 20, 1);
  guests.publish(0);
  guests.scan();  // a round is over, or nearly
  for (const std::uint64_t n : {100u, 3500u}) guests.set_map(0, n, true);
  ASSERT_EQ(hint(guests, 0, Hypercall::share, Guests::page(3500)), abi::kSuccess);
  const auto shared = [&](std::uint64_t n) { return right(guests, 0, n) == LeafRight::shared; };
  for (unsigned steps = 0; steps < 100 && !shared(3500) && !shared(100); ++steps) guests.scan(1);
  EXPECT_TRUE(shared(3500));
  EXPECT_FALSE(shared(100));
  const std::uint64_t rounds = guests.count(0, SharingCounter::rounds);
  guests.scan(100);
  EXPECT_TRUE(shared(100));
  EXPECT_GT(guests.count(0, SharingCounter::rounds), rounds);
  audit_memory(guests.bench);
}

TEST(PageHints, WhatAGuestAsksToShareIsVisitedFirstByContent) {
  BundleDescription description = with_policy(SharingPolicy::content_scan);
  Guests guests(description, 16 << 20, 1);
  for (const std::uint64_t n : {3400u, 3401u}) guests.fill(0, n, 0xABCD);
  for (unsigned i = 0; i < 4; ++i) {  // calm at the second visit, met by the other one's
    EXPECT_EQ(hint(guests, 0, Hypercall::share, Guests::page(3400)), abi::kSuccess);
    EXPECT_EQ(hint(guests, 0, Hypercall::share, Guests::page(3401)), abi::kSuccess);
    guests.scan(1);
  }
  EXPECT_EQ(right(guests, 0, 3400), LeafRight::shared);
  EXPECT_EQ(right(guests, 0, 3401), LeafRight::shared);
  EXPECT_LT(guests.count(0, SharingCounter::content_scanned_pages), 3000u);
  EXPECT_EQ(hint(guests, 0, Hypercall::share, Gpa{0x1000}), abi::kErrorInvalidAddress);
  audit_memory(guests.bench);
}

TEST(PageHints, NobodyLooksAtPagesWithOtherPolicies) {
  for (const SharingPolicy policy : {SharingPolicy::none, SharingPolicy::balloon}) {
    Guests guests(with_policy(policy));
    EXPECT_EQ(hint(guests, 0, Hypercall::share, Guests::page(1)), abi::kErrorNotSupported);
    EXPECT_EQ(hint(guests, 0, Hypercall::unshare, Guests::page(1)), abi::kSuccess);  // they are its own
  }
}

// Pages that the guest says it has written are known to have changed, without a look.
TEST(PageHints, LoggedPagesArePassedOverOnce) {
  const auto cycles_of_a_round = [](Guests& guests) {
    const std::uint64_t pages = guests.bench.core->vm(0).guest_pages(),
                        until = guests.count(0, SharingCounter::content_scanned_pages) + pages;
    const std::uint64_t before = guests.count(0, SharingCounter::content_cycles);
    while (guests.count(0, SharingCounter::content_scanned_pages) < until) guests.scan(1);
    return guests.count(0, SharingCounter::content_cycles) - before;
  };
  Guests guests(with_policy(SharingPolicy::content_scan), 1 << 20, 1);
  for (std::uint64_t n = 0; n < 200; ++n) guests.fill(0, n, n + 1);
  guests.bench.machine.cost[static_cast<std::size_t>(Work::content_word)] = 1;
  for (unsigned i = 0; i < 3; ++i) cycles_of_a_round(guests);
  const std::uint64_t usual = cycles_of_a_round(guests);
  ASSERT_TRUE(guests.run(0));
  EXPECT_EQ(guests.bench.call(0, Hypercall::dirty_log_update, {Guests::page(20).value, 100}).error, 0);
  EXPECT_EQ(guests.bench.core->vm(0).hints.count(PageHints::Kind::dirty), 100u);
  const std::uint64_t logged = cycles_of_a_round(guests);
  EXPECT_LE(logged, usual - 90 * 512);
  EXPECT_LE(guests.bench.core->vm(0).hints.count(PageHints::Kind::dirty), 10u);
  cycles_of_a_round(guests);
  EXPECT_EQ(cycles_of_a_round(guests), usual);
  EXPECT_EQ(guests.bench.core->vm(0).hints.count(PageHints::Kind::dirty), 0u);
}

}  // namespace
}  // namespace hv
