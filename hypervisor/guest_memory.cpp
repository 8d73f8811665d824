// Copies between the hypervisor and guest-physical memory; a guest may have named any address and length.
#include "hypervisor/guest_memory.h"

#include <algorithm>

namespace hv {
namespace {

// Calls `copy(host address, offset, bytes)` for each piece that one leaf maps.
template <class Copy>
bool for_each_piece(Arch& arch, const StageTwoTable& table, Gpa at, std::size_t bytes, Copy copy) {
  if (at.value + bytes < at.value) return false;
  for (std::size_t done = 0; done < bytes;) {
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

bool copy_to_guest(Arch& arch, const StageTwoTable& table, Gpa to, const void* from, std::size_t bytes) {
  return for_each_piece(arch, table, to, bytes, [&](Hpa host, std::size_t offset, std::size_t piece) {
    arch.copy_out(host, static_cast<const std::byte*>(from) + offset, piece);
  });
}

}  // namespace hv
