// Shares pages of the same content.
#include "hypervisor/sharing/content_scanner.h"

#include <array>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/locked.h"

namespace hv {
namespace {

using hvsim::isa::kPageBytes;
using Leaf = StageTwoTable::Leaf;
using Record = FrameRecords::Record;

constexpr std::size_t kPiece = 256;

std::uint32_t checksum(Arch& arch, Hpa frame) {
  std::uint64_t words[kPiece / 8];
  std::uint64_t sum = 0x9E3779B97F4A7C15;
  for (std::uint64_t done = 0; done < kPageBytes; done += kPiece) {
    arch.copy_in(words, frame + done, kPiece);
    arch.charge(Work::content_word, kPiece / 8);
    for (const std::uint64_t word : words) {
      sum = (sum ^ word) * 0xD6E8FEB86659FD93;
      sum ^= sum >> 32;
    }
  }
  return static_cast<std::uint32_t>(sum);
}

bool same(Arch& arch, Hpa a, Hpa b) {
  std::array<std::uint64_t, kPiece / 8> left, right;
  for (std::uint64_t done = 0; done < kPageBytes; done += kPiece) {
    arch.copy_in(left.data(), a + done, kPiece);
    arch.copy_in(right.data(), b + done, kPiece);
    arch.charge(Work::content_word, kPiece / 8);
    for (std::size_t i = 0; i < left.size(); ++i)
      if (left[i] != right[i]) return false;
  }
  return true;
}

Hpa frame_of(const Leaf& leaf, Gpa at) {
  return leaf.frame + (leaf.level == 1 ? at.value % bytes(PageRun::block) : 0);
}

// An own page, not shared in any way.
std::optional<Leaf> own_leaf(Arch& arch, const Vm& vm, Gpa at) {
  const auto leaf = vm.table.leaf(arch, at);
  if (!leaf || leaf->right == LeafRight::shared) return std::nullopt;
  return leaf;
}

// A second VM's lock beside one that is held. Nobody but the one scanner ever holds two.
class LockedToo {
 public:
  LockedToo(Arch& arch, Vm& other, const Vm& held) : arch_(arch), vm_(&other == &held ? nullptr : &other) {
    if (vm_ != nullptr) arch_.lock(vm_->sharing.lock);
  }
  ~LockedToo() {
    if (vm_ != nullptr) arch_.unlock(vm_->sharing.lock);
  }
  LockedToo(const LockedToo&) = delete;
  LockedToo& operator=(const LockedToo&) = delete;

 private:
  Arch& arch_;
  Vm* vm_;
};

}  // namespace

bool ContentScanner::step(Arch& arch, PagePool& pool, GuestFrames& frames, std::span<Vm> vms) {
  const Context context{arch, pool, frames, vms};
  std::uint32_t left = frames.settings().content_step_pages;
  ++steps_;
  std::uint32_t asked = (left + steps_ % 2) / 2;  // so that nobody keeps others from their visits by asking
  left -= asked;
  for (std::size_t i = 0; i < vms.size(); ++i) visit_asked(context, vms[(steps_ + i) % vms.size()], asked);
  for (left += asked; left != 0; --left) {
    Vm& vm = vms[vm_];
    const Locked locked(arch, vm.sharing.lock);
    if (vm.state == Vm::State::alive && page_ < vm.guest_pages()) {
      const Cycles start = arch.cycles();
      visit(context, {vm, Gpa{abi::kGuestMemoryBase + page_ * kPageBytes}});
      ++vm.sharing[SharingCounter::content_scanned_pages];
      vm.sharing[SharingCounter::content_cycles] += arch.cycles() - start;
      ++page_;
      continue;
    }
    page_ = 0;
    if (++vm_ == vms.size()) {
      vm_ = 0;
      const Locked records(arch, frames.records().lock());
      frames.records().forget_unstable();
      return true;
    }
  }
  return false;
}

// The pages that the guest asked to be looked at, `left` at most.
void ContentScanner::visit_asked(const Context& context, Vm& vm, std::uint32_t& left) {
  if (!vm.sharing.asked_content.any()) return;
  Arch& arch = context.arch;
  const Locked locked(arch, vm.sharing.lock);
  const Cycles start = arch.cycles();
  AskedPages& asked = vm.sharing.asked_content;
  for (; left != 0 && asked.any() && asked.first < vm.guest_pages() && vm.state == Vm::State::alive; --left) {
    visit(context, {vm, Gpa{abi::kGuestMemoryBase + asked.first++ * kPageBytes}});
    ++vm.sharing[SharingCounter::content_scanned_pages];
  }
  if (left != 0) asked = {};
  vm.sharing[SharingCounter::content_cycles] += arch.cycles() - start;
}

// By the guest's word: pages that it wants to keep, and those that it has written since the last visit, whose
// content need not be looked at to know that it changed.
bool ContentScanner::passes_over(Page page) {
  PageHints& hints = page.vm.hints;
  if (hints.ever(PageHints::Kind::unshared) && hints.at(PageHints::Kind::unshared, page.at)) return true;
  if (!hints.ever(PageHints::Kind::dirty) || !hints.at(PageHints::Kind::dirty, page.at)) return false;
  if (hints.ends_with(page.at)) hints.clear(PageHints::Kind::dirty, page.at, 1);
  return true;
}

void ContentScanner::visit(const Context& context, Page page) {
  if (passes_over(page)) return;
  Arch& arch = context.arch;
  FrameRecords& records = context.frames.records();
  const auto leaf = own_leaf(arch, page.vm, page.at);
  if (!leaf) return;
  const std::uint32_t number = records.number(frame_of(*leaf, page.at));
  Record record = records.read(arch, number);
  const std::uint32_t sum = checksum(arch, frame_of(*leaf, page.at));
  const bool calm = record.visited != 0 && record.checksum == sum && record.vm == page.vm.id;
  record.checksum = sum;
  record.visited = 1;
  record.vm = page.vm.id;
  record.page = static_cast<std::uint32_t>((page.at.value - abi::kGuestMemoryBase) / kPageBytes);
  records.write(arch, number, record);
  if (!calm) return;
  std::uint32_t shared = FrameRecords::kNone, seen = FrameRecords::kNone;
  {
    const Locked locked(arch, records.lock());
    shared = records.find(arch, FrameRecords::stable, sum);
    if (shared != FrameRecords::kNone && !records.hold(arch, shared)) shared = FrameRecords::kNone;
    if (shared == FrameRecords::kNone) seen = records.find(arch, FrameRecords::unstable, sum);
    if (shared == FrameRecords::kNone && seen == FrameRecords::kNone)
      records.insert(arch, FrameRecords::unstable, number);
  }
  if (shared != FrameRecords::kNone)
    merge_with_shared(context, page, shared);
  else if (seen != FrameRecords::kNone && seen != number)
    merge_pair(context, page, seen);
}

// We hold a reference to the frame, so that its content stays; it becomes the page's, or is dropped.
bool ContentScanner::merge_with_shared(const Context& context, Page page, std::uint32_t number) {
  const Hpa frame = context.frames.records().frame(number);
  const bool merged = context.frames.merge(context.arch, context.pool, page.vm, page.at, frame,
                                           [&](Hpa own) { return same(context.arch, own, frame); });
  if (!merged) context.frames.drop_reference(context.arch, context.pool, frame);
  return merged;
}

// The page that this round has seen before may have changed or be gone; if not, its frame is shared by both.
bool ContentScanner::merge_pair(const Context& context, Page page, std::uint32_t number) {
  Arch& arch = context.arch;
  FrameRecords& records = context.frames.records();
  const Record record = records.read(arch, number);
  if (record.vm >= context.vms.size()) return false;
  Vm& other = context.vms[record.vm];
  const Gpa at{abi::kGuestMemoryBase + std::uint64_t{record.page} * kPageBytes};
  const LockedToo locked(arch, other, page.vm);
  if (other.state != Vm::State::alive || record.page >= other.guest_pages()) return false;
  if (passes_over({other, at})) return false;  // since it was seen
  const auto leaf = own_leaf(arch, other, at);
  if (!leaf || frame_of(*leaf, at) != records.frame(number)) return false;
  const Hpa frame = records.frame(number);
  if (!context.frames.begin_sharing(arch, context.pool, other, at)) return false;
  const bool merged = context.frames.merge(arch, context.pool, page.vm, page.at, frame, [&](Hpa own) {
    const Locked tree(arch, records.lock());
    return same(arch, own, frame) && records.make_shared(arch, number, 2);
  });
  context.frames.end_sharing(arch, other, at, merged);
  return merged;
}

}  // namespace hv
