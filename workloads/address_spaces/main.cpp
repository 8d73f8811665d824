// address_spaces: the same with Sv39 page tables, one per process with an ASID of its own: forks share pages
// read-only, the first write to one copies it, ends give pages and tables back.
#include <array>
#include <atomic>
#include <cstring>
#include <span>

#include "models/cpu/isa/cause.h"
#include "models/cpu/isa/paging.h"
#include "models/cpu/isa/types.h"
#include "workloads/address_spaces/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/csr.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/memory.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/trap.h"

namespace {

namespace processes = workload::address_spaces;
namespace csr = hvsim::isa::csr;
namespace pte = hvsim::isa::pte;
using hvsim::isa::kPageBytes;
using hvsim::isa::kPageShift;

constexpr std::uint64_t kMeasuredRegion = 1;
constexpr std::uint64_t kBase = 0x10'0000'0000;  // where a process's pages lie; its kernel lies lower
constexpr std::uint64_t kReadOnly = pte::v | pte::r | pte::a, kWritable = kReadOnly | pte::w | pte::d;
constexpr std::size_t kEntries = 512;
constexpr std::uint64_t kPpnMask = (std::uint64_t{1} << 44) - 1;  // of satp

using Table = std::array<std::uint64_t, kEntries>;

// Frames of processes' pages and tables, with how many tables name each.
class Frames {
 public:
  bool create(std::size_t count) {
    const auto* const first = static_cast<std::byte*>(guest::memory::allocate(count * kPageBytes));
    base_ = reinterpret_cast<std::uint64_t>(first);
    auto* const counts = static_cast<std::uint32_t*>(guest::memory::allocate(count * sizeof(std::uint32_t)));
    auto* const free = static_cast<std::uint32_t*>(guest::memory::allocate(count * sizeof(std::uint32_t)));
    if (first == nullptr || counts == nullptr || free == nullptr) return false;
    users_ = {counts, count};
    free_ = {free, count};
    for (std::size_t i = 0; i < count; ++i) free_[free_count_++] = static_cast<std::uint32_t>(i);
    return true;
  }
  std::uint64_t take() {  // there are enough for all that processes can have
    const std::uint32_t frame = free_[--free_count_];
    users_[frame] = 1;
    return base_ + frame * kPageBytes;
  }
  void share(std::uint64_t at) { ++users_[(at - base_) / kPageBytes]; }
  bool shared(std::uint64_t at) const { return users_[(at - base_) / kPageBytes] > 1; }
  void leave(std::uint64_t at) {
    const std::uint64_t frame = (at - base_) / kPageBytes;
    if (--users_[frame] == 0) free_[free_count_++] = static_cast<std::uint32_t>(frame);
  }
  std::size_t free_frames() const { return free_count_; }

 private:
  std::uint64_t base_ = 0;
  std::span<std::uint32_t> users_, free_;
  std::size_t free_count_ = 0;
};
constinit Frames frames;
constinit std::uint64_t copied = 0, filled = 0;

Table& table_at(std::uint64_t address) { return *reinterpret_cast<Table*>(address); }
constexpr std::uint64_t address_of(std::uint64_t entry) {
  return (entry & pte::ppn_mask) >> pte::ppn_shift << kPageShift;
}
constexpr std::uint64_t make(std::uint64_t address, std::uint64_t flags) {
  return address >> kPageShift << pte::ppn_shift | flags;
}

class Spaces {
 public:
  explicit Spaces(std::uint64_t pages) : pages_(pages), kernel_(guest::csr_read<csr::satp>()) {}

  void create(std::size_t process) {
    const std::uint64_t root = zeroed(), middle = zeroed(), leaves = zeroed();
    table_at(root) = table_at(address_of((kernel_ & kPpnMask) << pte::ppn_shift));
    table_at(root)[kBase >> 30 & (kEntries - 1)] = make(middle, pte::v);
    table_at(middle)[0] = make(leaves, pte::v);
    spaces_[process] = {root, middle, leaves};
  }
  void fork(std::size_t parent, std::size_t child) {
    create(child);
    Table &from = table_at(spaces_[parent].leaves), &to = table_at(spaces_[child].leaves);
    for (std::size_t page = 0; page < pages_; ++page) {
      if ((from[page] & pte::v) == 0) continue;
      from[page] &= ~(pte::w | pte::d);
      to[page] = from[page];
      frames.share(address_of(from[page]));
    }
    forget(parent);
  }
  void destroy(std::size_t process) {
    for (const std::uint64_t entry : table_at(spaces_[process].leaves))
      if ((entry & pte::v) != 0) frames.leave(address_of(entry));
    for (const std::uint64_t table :
         {spaces_[process].root, spaces_[process].middle, spaces_[process].leaves})
      frames.leave(table);
    guest::csr_write<csr::satp>(kernel_);
    forget(process);
  }
  void run(std::size_t process) {
    running_ = process;
    guest::csr_write<csr::satp>(csr::kModeSv39 << csr::kAtpModeShift | asid(process) << csr::kAsidShift |
                                spaces_[process].root >> kPageShift);
  }
  std::uint64_t read(std::uint64_t page, std::uint64_t word) { return *at(page, word); }
  void write(std::uint64_t page, std::uint64_t word, std::uint64_t value) { *at(page, word) = value; }

  // A page that is touched for the first time is filled with zeroes, one that others have too is copied.
  void fault(std::uint64_t address, bool store) {
    const std::uint64_t page = (address - kBase) >> kPageShift;
    std::uint64_t& entry = table_at(spaces_[running_].leaves)[page];
    if ((entry & pte::v) == 0) {
      entry = make(zeroed(), kWritable);
      ++filled;
    } else if (store && frames.shared(address_of(entry))) {
      const std::uint64_t old = address_of(entry), fresh = frames.take();
      std::memcpy(reinterpret_cast<void*>(fresh), reinterpret_cast<const void*>(old), kPageBytes);
      frames.leave(old);
      entry = make(fresh, kWritable);
      ++copied;
    } else {
      entry |= kWritable;  // the others have left it
    }
    asm volatile("sfence.vma %0, %1" : : "r"(address), "r"(asid(running_)) : "memory");
  }

 private:
  struct Space {
    std::uint64_t root = 0, middle = 0, leaves = 0;
  };

  static constexpr std::uint64_t asid(std::size_t process) { return process + 1; }
  static volatile std::uint64_t* at(std::uint64_t page, std::uint64_t word) {
    return reinterpret_cast<volatile std::uint64_t*>(kBase + page * kPageBytes + word * 8);
  }
  static std::uint64_t zeroed() {
    const std::uint64_t frame = frames.take();
    std::memset(reinterpret_cast<void*>(frame), 0, kPageBytes);
    return frame;
  }
  static void forget(std::size_t process) {
    asm volatile("sfence.vma zero, %0" : : "r"(asid(process)) : "memory");
  }

  std::uint64_t pages_, kernel_;
  std::array<Space, processes::kMostProcesses> spaces_{};
  std::size_t running_ = 0;
};
constinit Spaces* spaces = nullptr;

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const processes::Parameters parameters = processes::parameters(arguments);
  require_valid(arguments);
  const std::size_t wanted = processes::kMostProcesses * (parameters.pages + 3) + 1;
  if (!frames.create(wanted)) out_of_memory("processes");
  Spaces all{parameters.pages};
  spaces = &all;
  trap::handle(hvsim::isa::Exception::load_page_fault,
               [](trap::Frame&) { spaces->fault(csr_read<csr::stval>(), false); });
  trap::handle(hvsim::isa::Exception::store_page_fault,
               [](trap::Frame&) { spaces->fault(csr_read<csr::stval>(), true); });
  region_begin(kMeasuredRegion);
  const std::uint64_t checksum = processes::run(parameters, all, [](std::uint64_t n) { work_done(n); });
  region_end(kMeasuredRegion);
  console::print("pages filled ", Decimal{filled}, " copied ", Decimal{copied}, "\nchecksum ", Hex{checksum},
                 "\n");
  return kExitPass;
}
