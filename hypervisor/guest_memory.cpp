// Copies between the hypervisor and guest-physical memory; a guest may have named any address and length.
#include "hypervisor/guest_memory.h"

#include <algorithm>

#include "hypervisor/locked.h"
#include "hypervisor/sharing/guest_frames.h"

namespace hv {
namespace {

// Calls `copy(host address, offset, bytes)` for each piece that one leaf maps.
template <class Copy>
bool for_each_piece(Arch& arch, const StageTwoTable& table, Gpa at, std::size_t bytes, Copy copy) {
  if (at.value + bytes < at.value) return false;
  for (std::size_t done = 0; done < bytes;) {
    arch.charge(Work::guest_piece, 1);
    const auto mapping = table.lookup(arch, at + done);
    if (!mapping) return false;
    const std::size_t piece = std::min<std::uint64_t>(mapping->bytes, bytes - done);
    copy(mapping->at, done, piece);
    done += piece;
  }
  return true;
}

}  // namespace

bool copy_from_guest(Arch& arch, const StageTwoTable& table, void* to, Gpa from, std::size_t bytes) {
  return for_each_piece(arch, table, from, bytes, [&](Hpa host, std::size_t offset, std::size_t piece) {
    arch.copy_in(static_cast<std::byte*>(to) + offset, host, piece);
  });
}

bool copy_from_guest(Arch& arch, Vm& vm, void* to, Gpa from, std::size_t bytes) {
  const Locked locked(arch, vm.sharing.lock);
  return copy_from_guest(arch, vm.table, to, from, bytes);
}

GuestMemory::GuestMemory(GuestFrames& frames, PagePool& pool, Vm& vm)
    : table_(vm.table), frames_(&frames), pool_(&pool), vm_(&vm) {}

bool GuestMemory::read(Arch& arch, void* to, Gpa from, std::size_t bytes) const {
  return vm_ == nullptr ? copy_from_guest(arch, table_, to, from, bytes)
                        : copy_from_guest(arch, *vm_, to, from, bytes);
}

bool GuestMemory::write(Arch& arch, Gpa to, const void* from, std::size_t bytes) {
  const auto copy = [&](Hpa host, std::size_t offset, std::size_t piece) {
    arch.copy_out(host, static_cast<const std::byte*>(from) + offset, piece);
  };
  if (vm_ == nullptr || !frames_->settings().shares()) return for_each_piece(arch, table_, to, bytes, copy);
  if (to.value + bytes < to.value) return false;
  for (std::size_t done = 0; done < bytes;) {
    const Gpa at = to + done;
    const std::size_t piece =
        std::min<std::size_t>(bytes - done, hvsim::isa::kPageBytes - at.value % hvsim::isa::kPageBytes);
    if (!write_page(arch, at, static_cast<const std::byte*>(from) + done, piece)) return false;
    done += piece;
  }
  return true;
}

// As if the guest had stored there. The lock is kept until the copy is done, so that the page is not shared
// meanwhile.
bool GuestMemory::write_page(Arch& arch, Gpa to, const std::byte* from, std::size_t bytes) {
  const Locked locked(arch, vm_->sharing.lock);
  arch.charge(Work::guest_piece, 1);
  auto leaf = table_.leaf(arch, to);
  if (leaf && leaf->right != LeafRight::write) {
    const auto outcome = frames_->make_writable_locked(arch, *pool_, *vm_, to);
    starved_ |= outcome == GuestFrames::Outcome::starved;
    if (outcome != GuestFrames::Outcome::writable) return false;
    leaf = table_.leaf(arch, to);
  }
  if (!leaf) return false;
  const std::uint64_t size = leaf->level == 1 ? hv::bytes(PageRun::block) : hv::bytes(PageRun::page);
  arch.copy_out(leaf->frame + to.value % size, from, bytes);
  return true;
}

bool copy_to_guest(Arch& arch, GuestMemory memory, Gpa to, const void* from, std::size_t bytes) {
  return memory.write(arch, to, from, bytes);
}

}  // namespace hv
