// The engine's translations: TLBs, page walks and what both take.
#pragma once

#include <algorithm>
#include <bit>
#include <utility>

#include "models/cpu/engine.h"
#include "models/cpu/engine_remembered.h"
#include "models/cpu/timing_policy.h"

namespace hvsim::cpu {

template <class Timing>
auto Engine<Timing>::translate(std::uint64_t address, isa::Access access, unsigned bytes,
                               const mmu::AddressSpace& space)
    -> isa::Result<mmu::Translation, mmu::TranslationFault> {
  const isa::Gva gva{address};
  const bool through_tlb = translates(space);
  rare_events_ |= through_tlb;
  if (config_.observer != nullptr) walked_.reset();
  const auto side =
      access == isa::Access::fetch ? mmu::TlbHierarchy::Side::fetch : mmu::TlbHierarchy::Side::data;
  if constexpr (Timing::timed) {
    if (through_tlb) {
      note_seen(side, 1);
      const auto found = timing_.tlbs.lookup(side, gva, space);
      if (found.flushed) forget_all();
      forget(side, found.left);
      if (found.latency != 0) spend_on(side, Component::walk_first, found.latency);
      if (found.translation != nullptr && mmu::leaf_allows(*found.translation, access, space))
        return mmu::at(*found.translation, gva);
    }
  }
  walk_.clear();
  auto result = mmu_.translate(gva, access, bytes, space, walk_);
  if (!through_tlb) return result;
  if (config_.observer != nullptr) walked_ = address;
  const auto now = [this, side] { return Timing::detailed ? time_of(side) : state.cycle; };
  const isa::Cycles began = now();
  std::uint64_t at_once = 0;
  if constexpr (Timing::timed)
    at_once = charge_walk(
        walk_, timing_.tlbs.plan_walk(walk_, gva, space, result ? &result.value() : nullptr), side);
  const auto reads = walks_.add({.trace = walk_,
                                 .costs = std::span(walk_costs_).first(Timing::timed ? walk_.count : 0U),
                                 .at_once = at_once,
                                 .at_once_takes = read_at_once(),
                                 .space = space,
                                 .found = result ? &result.value() : nullptr,
                                 .cycles = now() - began});
  ++counters_.walks;
  counters_.walk_pte_reads_first += reads.first;
  counters_.walk_pte_reads_g += reads.g_stage;
  if constexpr (Timing::timed) {
    if (result)
      forget(side, timing_.tlbs.insert(side, gva, space, *result));
    else
      note_seen(side, ~std::uint64_t{0});  // a lookup of its own: nothing will be made of it
  }
  return result;
}

// The TLB model was asked on behalf of an access that will be counted when it is made. HLV and HSV from a
// space without translation are not.
template <class Timing>
void Engine<Timing>::note_seen(mmu::TlbHierarchy::Side side, std::uint64_t count) {
  if constexpr (Timing::timed) {
    auto& translations =
        side == mmu::TlbHierarchy::Side::fetch ? timing_.fetch_translations : timing_.data_translations;
    if (translations.on) translations.seen += count;
  } else {
    (void)side, (void)count;
  }
}

// Each PTE access that happens goes through the data cache, in order. Which came from the L1D at once: those
// have no cost of their own.
template <class Timing>
std::uint64_t Engine<Timing>::charge_walk(const mmu::WalkTrace& trace, const mmu::WalkPlan& plan,
                                          mmu::TlbHierarchy::Side side) {
  std::uint64_t at_once = 0;
  if constexpr (Timing::timed) {
    using Kind = mem::Hierarchy::Kind;
    spend_on(side, Component::walk_first, wait_for_walker(side));
    if (plan.first_hits != 0) spend_on(side, Component::walk_first, timing_.tlbs.first_latency(plan));
    if (plan.g_hits() != 0) spend_on(side, Component::walk_g, timing_.tlbs.g_latency(plan));
    auto& caches = *timing_.caches;
    const auto lines = caches.present(timing_.hart);
    const isa::Cycles takes = read_at_once();
    isa::Cycles at = time_of(side), first = 0, g_stage = 0;
    const auto spend = [&](mmu::Stage stage, isa::Cycles cycles) {
      at += cycles;
      if constexpr (Timing::detailed)
        spend_on(side, stage == mmu::Stage::first ? Component::walk_first : Component::walk_g, cycles);
      else
        (stage == mmu::Stage::first ? first : g_stage) += cycles;
    };
    for (unsigned i = 0; i < trace.count; ++i) {
      const auto& pte = trace.reads[i];
      if (!plan.happens(i)) {
        walk_costs_[i] = {mem::Served::walker, 0};
      } else if (!pte.write && lines.holds(pte.address)) {
        at_once |= std::uint64_t{1} << i;
        spend(pte.stage, takes);
      } else {
        if constexpr (Timing::detailed) at = time_of(side);
        rare_events_ = true;
        const auto done = pte.write ? caches.template data<Kind::store>(timing_.hart, pte.address, at)
                                    : caches.template data<Kind::walk>(timing_.hart, pte.address, at);
        walk_costs_[i] = {done.by, (pte.write ? 1 : timing_.costs.walk_read) + done.ready - at};
        spend(pte.stage, walk_costs_[i].cycles);
      }
    }
    if constexpr (!Timing::detailed) {
      charge(Component::walk_first, first);
      charge(Component::walk_g, g_stage);
    }
    caches.count_hits(timing_.hart, Kind::walk, static_cast<unsigned>(std::popcount(at_once)));
    spend_on(side, Component::walk_first, end_walk(side));
  } else {
    (void)trace, (void)plan, (void)side;
  }
  return at_once;
}

// What a PTE takes that the L1D has.
template <class Timing>
isa::Cycles Engine<Timing>::read_at_once() const {
  if constexpr (Timing::timed)
    return timing_.costs.walk_read + timing_.caches->config().l1d.hit_latency;
  else
    return 0;
}

template <class Timing>
void Engine<Timing>::spend_on(mmu::TlbHierarchy::Side side, Component component, isa::Cycles cycles) {
  if constexpr (!Timing::detailed)
    charge(component, cycles);
  else if (side == mmu::TlbHierarchy::Side::fetch)
    timing_.pipeline.delay_fetch(component, cycles);
  else
    timing_.pipeline.delay_access(component, cycles);  // before the caches see it
}

// When a walk for this side would begin now.
template <class Timing>
isa::Cycles Engine<Timing>::time_of(mmu::TlbHierarchy::Side side) {
  if constexpr (Timing::detailed)
    return side == mmu::TlbHierarchy::Side::fetch ? timing_.pipeline.fetch_time()
                                                  : timing_.pipeline.access_time();
  else if constexpr (Timing::timed)
    return side == mmu::TlbHierarchy::Side::fetch ? state.cycle : translation_time();
  else
    return state.cycle;
}

// What a walk costs beside its reads.
template <class Timing>
isa::Cycles Engine<Timing>::end_walk(mmu::TlbHierarchy::Side side) {
  if constexpr (Timing::timed) {
    const isa::Cycles own = timing_.costs.walk_start;
    if (side == mmu::TlbHierarchy::Side::fetch)
      return own - std::min(own, timing_.remembered.config().fetch_walk_saves);
    if constexpr (Timing::detailed) timing_.pipeline.reach_cache();
    return own;
  } else {
    return 0;
  }
}

template <class Timing>
isa::Cycles Engine<Timing>::wait_for_walker(mmu::TlbHierarchy::Side side) {
  [[maybe_unused]] const isa::Cycles at = time_of(side);
  if constexpr (Timing::detailed)
    return timing_.pipeline.wait_for_walker(at);
  else if constexpr (Timing::timed)
    return std::max(timing_.walks_from, at) - at;
  else
    return 0;
}

template <class Timing>
void Engine<Timing>::forget_all() {
  level_zero_.clear();
  respace_ = true;
  deadline_ = 0;
}

// Level zero stays a subset of the first-level TLBs. A NAPOT range or a superpage stands for many of its
// pages.
template <class Timing>
void Engine<Timing>::forget(mmu::TlbHierarchy::Side side, std::span<const mmu::Evicted> left) {
  for (const auto& entry : left) {
    if (entry.page_shift > isa::kPageShift + isa::pte::napot_bits) return forget_all();
    const std::uint64_t end = entry.page.value + (std::uint64_t{1} << entry.page_shift);
    for (std::uint64_t page = entry.page.value; page != end; page += isa::kPageBytes)
      if (side == mmu::TlbHierarchy::Side::fetch)
        level_zero_.drop_fetch(page);
      else
        level_zero_.drop_data(page);
  }
}

}  // namespace hvsim::cpu
