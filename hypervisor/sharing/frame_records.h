// One record per host frame, in RAM: how many pages share it, what it held when it was last looked at, and
// its place in the trees of content_scan. Exists only where pages are shared by content.
#pragma once

#include <array>
#include <cstdint>

#include "arch.h"
#include "hypervisor/page_pool.h"

namespace hv {

class FrameRecords {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  enum Tree : unsigned { stable, unstable };
  struct Record {
    std::uint32_t references = 0;  // pages that map the frame while it is shared; 0: it is not
    std::uint32_t checksum = 0;    // of the content at the last visit; the key in both trees
    std::uint32_t left[2] = {kNone, kNone}, right[2] = {kNone, kNone};  // by Tree
    std::uint32_t page = 0;  // unstable tree: page number in the VM that had the frame then
    std::uint16_t vm = 0;
    std::uint16_t visited = 0;  // 1: checksum is of a visit while this VM's page had the frame
  };
  static_assert(sizeof(Record) == 32);

  // For all frames of the pool. False: no memory.
  bool create(Arch& arch, PagePool& pool);
  bool exist() const { return count_ != 0; }
  std::uint64_t pages() const {  // 4 KiB pages that the records take
    constexpr std::uint64_t per_block = bytes(PageRun::block) / sizeof(Record);
    return (count_ + per_block - 1) / per_block * static_cast<std::uint64_t>(PageRun::block);
  }

  std::uint32_t number(Hpa frame) const {
    return static_cast<std::uint32_t>((frame.value - base_.value) >> hvsim::isa::kPageShift);
  }
  Hpa frame(std::uint32_t number) const { return base_ + (std::uint64_t{number} << hvsim::isa::kPageShift); }

  Record read(Arch& arch, std::uint32_t number) const {
    Record record;
    arch.copy_in(&record, at(number), sizeof record);
    return record;
  }
  void write(Arch& arch, std::uint32_t number, const Record& record) {
    arch.copy_out(at(number), &record, sizeof record);
  }

  // The trees, under lock(). Keys are checksums, so that they are balanced by chance; who makes them deep on
  // purpose finds that nothing is inserted below kDeepest. Two frames of one key: the first stays.
  std::uint32_t find(Arch& arch, Tree tree, std::uint32_t checksum) const;
  bool insert(Arch& arch, Tree tree, std::uint32_t number);  // by its record's checksum
  // One reference more to a frame of the stable tree. False: it is not shared any more.
  bool hold(Arch& arch, std::uint32_t number);
  // An own frame becomes one that so many pages share. False: there is one of its checksum already.
  bool make_shared(Arch& arch, std::uint32_t number, std::uint32_t references);
  void forget_unstable() { roots_[unstable] = kNone; }
  // One page less maps a shared frame. True: it was the last, and the frame is nobody's now.
  bool drop(Arch& arch, Hpa frame);
  // True: nobody but the caller's page maps the shared frame; it is not shared any more.
  bool claim(Arch& arch, Hpa frame);
  std::uint64_t shared_frames() const { return shared_frames_; }
  std::uint64_t shared_frame_ticks(Arch& arch);  // summed over time
  Arch::Lock& lock() { return lock_; }           // taken last, inside those of VMs

 private:
  static constexpr unsigned kDeepest = 64;
  void remove(Arch& arch, std::uint32_t number);  // from the stable tree
  void count_shared(Arch& arch, std::int64_t change);
  void replace_child(Arch& arch, std::uint32_t parent, std::uint32_t child, std::uint32_t by);
  Hpa at(std::uint32_t number) const {
    const std::uint64_t offset = std::uint64_t{number} * sizeof(Record);
    return blocks_[offset / bytes(PageRun::block)] + offset % bytes(PageRun::block);
  }
  static constexpr std::uint64_t kBlocks = kMaxPoolPages * sizeof(Record) / bytes(PageRun::block);
  Hpa base_{};
  std::uint64_t count_ = 0;
  std::array<Hpa, kBlocks> blocks_{};
  std::array<std::uint32_t, 2> roots_{kNone, kNone};
  std::uint64_t shared_frames_ = 0, shared_frame_ticks_ = 0, since_ = 0;
  Arch::Lock lock_{};
};

}  // namespace hv
