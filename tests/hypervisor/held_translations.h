// What harts remember of stage two, kept as long as no fence names it: in 4 KiB pieces, for ever, without
// room running out; and what a fence takes from a hart that has the VM's guest is walked for again at once,
// as speculation may. A core with a smaller or coarser TLB can only do less harm.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/hypervisor/bench.h"

namespace hv {

class HeldTranslations {
 public:
  struct Translation {
    Hpa frame;
    bool writable;
  };

  explicit HeldTranslations(Bench& bench) : bench_(bench) {
    bench.machine.on_fence = [this](const GuestFence& fence) { drop(fence); };
    bench.machine.on_operation = [this] { operation(); };
  }
  ~HeldTranslations() { bench_.machine.on_fence = {}, bench_.machine.on_operation = {}; }
  HeldTranslations(const HeldTranslations&) = delete;
  HeldTranslations& operator=(const HeldTranslations&) = delete;

  // What the hart uses for an access, walking for it only if it holds nothing.
  Translation use(unsigned hart, unsigned vm, Gpa at) {
    const Key key{hart, vm, page_of(at)};
    if (const auto held = held_.find(key); held != held_.end()) return held->second;
    return walk(key);
  }

  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& [key, translation] : held_) visit(std::get<1>(key), translation);
  }
  // How often a frame was free to be given away while a hart could still reach it.
  std::uint64_t freed_too_early() const { return freed_too_early_; }

 private:
  using Key = std::tuple<unsigned, unsigned, std::uint64_t>;  // hart, VM, guest-physical page

  static std::uint64_t page_of(Gpa at) { return at.value & ~(hvsim::isa::kPageBytes - 1); }

  Translation walk(const Key& key) {
    const auto& [hart, vm, page] = key;
    const StageTwoTable& table = bench_.core->vm(vm).table;
    const auto leaf = table.leaf(bench_.harts[hart], Gpa{page});
    const Hpa frame{table.lookup(bench_.harts[hart], Gpa{page})->at};
    return held_[key] = {frame, leaf->right == LeafRight::write};
  }
  bool guest_is_there(const Key& key) const {
    const auto& [hart, vm, page] = key;
    return bench_.on[hart] != nullptr && bench_.on[hart]->vm == vm && bench_.core->vm(vm).exit_recorded == 0;
  }

  // HFENCE.VVMA leaves stage two alone.
  void drop(const GuestFence& fence) {
    const bool of_vm = fence.kind == GuestFence::Kind::g_stage;
    if (!of_vm && fence.kind != GuestFence::Kind::everything) return;
    std::erase_if(held_, [&](const auto& entry) {
      const auto& [hart, vm, page] = entry.first;
      if ((fence.harts >> hart & 1) == 0) return false;
      if (!of_vm) return true;
      const bool this_page = fence.page == GuestFence::kWhole || fence.page == page;
      if (!this_page || fence.vmid() != bench_.core->vm(vm).vmid) return false;
      if (guest_is_there(entry.first)) taken_.push_back(entry.first);
      return true;
    });
  }

  void operation() {
    if (busy_) return;
    busy_ = true;
    for (const Key& key : std::exchange(taken_, {})) walk(key);
    watch_the_pool();
    busy_ = false;
  }

  void watch_the_pool() {
    const std::uint64_t free = bench_.core->page_pool().free_pages();
    if (free > free_)
      for_each([&](unsigned, const Translation& translation) {
        freed_too_early_ += bench_.core->page_pool().is_free(translation.frame) ? 1 : 0;
      });
    free_ = free;
  }

  Bench& bench_;
  std::map<Key, Translation> held_;
  std::vector<Key> taken_;
  bool busy_ = false;
  std::uint64_t free_ = ~std::uint64_t{0}, freed_too_early_ = 0;
};

}  // namespace hv
