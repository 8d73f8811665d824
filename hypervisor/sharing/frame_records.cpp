// One record per host frame, in RAM.
#include "hypervisor/sharing/frame_records.h"

#include "hypervisor/locked.h"

namespace hv {

bool FrameRecords::create(Arch& arch, PagePool& pool) {
  constexpr std::uint64_t per_block = bytes(PageRun::block) / sizeof(Record);
  base_ = pool.base();
  for (std::uint64_t number = 0; number * per_block < pool.pages(); ++number) {
    const auto block = pool.allocate(arch, PageRun::block);
    if (!block) return false;
    arch.zero(*block, bytes(PageRun::block));
    blocks_[number] = *block;
  }
  count_ = pool.pages();
  return true;
}

std::uint32_t FrameRecords::find(Arch& arch, Tree tree, std::uint32_t checksum) const {
  std::uint32_t number = roots_[tree];
  for (unsigned depth = 0; number != kNone && depth < kDeepest; ++depth) {
    const Record record = read(arch, number);
    if (record.checksum == checksum) return number;
    number = checksum < record.checksum ? record.left[tree] : record.right[tree];
  }
  return kNone;
}

bool FrameRecords::insert(Arch& arch, Tree tree, std::uint32_t number) {
  Record added = read(arch, number);
  added.left[tree] = added.right[tree] = kNone;
  write(arch, number, added);
  if (roots_[tree] == kNone) {
    roots_[tree] = number;
    return true;
  }
  std::uint32_t at = roots_[tree];
  for (unsigned depth = 0; depth < kDeepest; ++depth) {
    Record record = read(arch, at);
    if (record.checksum == added.checksum) return false;
    std::uint32_t& child = added.checksum < record.checksum ? record.left[tree] : record.right[tree];
    if (child == kNone) {
      child = number;
      write(arch, at, record);
      return true;
    }
    at = child;
  }
  return false;
}

bool FrameRecords::drop(Arch& arch, Hpa frame) {
  const Locked locked(arch, lock_);
  const std::uint32_t place = number(frame);
  Record record = read(arch, place);
  if (record.references > 1) {
    --record.references;
    write(arch, place, record);
    return false;
  }
  if (record.references == 1) {
    remove(arch, place);
    count_shared(arch, -1);
  }
  write(arch, place, Record{});
  return true;
}

bool FrameRecords::claim(Arch& arch, Hpa frame) {
  const Locked locked(arch, lock_);
  if (read(arch, number(frame)).references != 1) return false;
  remove(arch, number(frame));
  count_shared(arch, -1);
  write(arch, number(frame), Record{});
  return true;
}

bool FrameRecords::hold(Arch& arch, std::uint32_t number) {
  Record record = read(arch, number);
  if (record.references == 0) return false;
  ++record.references;
  write(arch, number, record);
  return true;
}

bool FrameRecords::make_shared(Arch& arch, std::uint32_t number, std::uint32_t references) {
  if (!insert(arch, stable, number)) return false;
  Record record = read(arch, number);
  record.references = references;
  write(arch, number, record);
  count_shared(arch, 1);
  return true;
}

void FrameRecords::count_shared(Arch& arch, std::int64_t change) {
  shared_frame_ticks_ = shared_frame_ticks(arch);
  since_ = arch.ticks();
  shared_frames_ += static_cast<std::uint64_t>(change);
}

std::uint64_t FrameRecords::shared_frame_ticks(Arch& arch) {
  return shared_frame_ticks_ + shared_frames_ * (arch.ticks() - since_);
}

void FrameRecords::replace_child(Arch& arch, std::uint32_t parent, std::uint32_t child, std::uint32_t by) {
  if (parent == kNone) {
    roots_[stable] = by;
    return;
  }
  Record record = read(arch, parent);
  (record.left[stable] == child ? record.left[stable] : record.right[stable]) = by;
  write(arch, parent, record);
}

// The leftmost node of the right subtree takes the place of a node with two children.
void FrameRecords::remove(Arch& arch, std::uint32_t number) {
  const Record gone = read(arch, number);
  std::uint32_t parent = kNone;
  for (std::uint32_t at = roots_[stable]; at != number;) {
    if (at == kNone) return;  // it had found no place in the tree
    const Record record = read(arch, at);
    parent = at;
    at = gone.checksum < record.checksum ? record.left[stable] : record.right[stable];
  }
  if (gone.left[stable] == kNone || gone.right[stable] == kNone)
    return replace_child(arch, parent, number,
                         gone.left[stable] == kNone ? gone.right[stable] : gone.left[stable]);
  std::uint32_t heir = gone.right[stable], above = number;
  for (Record record = read(arch, heir); record.left[stable] != kNone; record = read(arch, heir)) {
    above = heir;
    heir = record.left[stable];
  }
  Record record = read(arch, heir);
  if (above != number) {
    replace_child(arch, above, heir, record.right[stable]);
    record.right[stable] = gone.right[stable];
  }
  record.left[stable] = gone.left[stable];
  write(arch, heir, record);
  replace_child(arch, parent, number, heir);
}

}  // namespace hv
