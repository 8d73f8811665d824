// Copies between the hypervisor and guest-physical memory; a guest may have named any address and length.
#pragma once

#include <cstddef>

#include "arch.h"
#include "hypervisor/stage_two_table.h"

namespace hv {

class GuestFrames;
struct Vm;

// Memory that emulated devices write to: what is shared there gets a frame of its own first.
class GuestMemory {
 public:
  explicit GuestMemory(const StageTwoTable& table) : table_(table) {}  // nothing in it is ever shared
  GuestMemory(GuestFrames& frames, PagePool& pool, Vm& vm);

  bool read(Arch& arch, void* to, Gpa from, std::size_t bytes) const;
  bool write(Arch& arch, Gpa to, const void* from, std::size_t bytes);
  // A write failed because there was no frame: it may succeed later.
  bool starved() const { return starved_; }

 private:
  bool write_page(Arch& arch, Gpa to, const std::byte* from, std::size_t bytes);
  const StageTwoTable& table_;
  GuestFrames* frames_ = nullptr;
  PagePool* pool_ = nullptr;
  Vm* vm_ = nullptr;
  bool starved_ = false;
};

// False: part of the range is not mapped. What was mapped before that part has been copied.
// A page of a VM may lose its frame to another VM while nobody holds sharing.lock: the first form takes it,
// the second is for its holder and for tables whose pages stay.
bool copy_from_guest(Arch& arch, Vm& vm, void* to, Gpa from, std::size_t bytes);
bool copy_from_guest(Arch& arch, const StageTwoTable& table, void* to, Gpa from, std::size_t bytes);
bool copy_to_guest(Arch& arch, GuestMemory memory, Gpa to, const void* from, std::size_t bytes);

}  // namespace hv
