// Shares free pages by the VMs' memory maps, in the order of the claims, in bounded steps: C1, every page
// that is free is marked read-only (R), a fence that all harts acknowledge, C2, and those still free are
// shared.
#pragma once

#include <cstdint>
#include <span>

#include "arch.h"
#include "hypervisor/sharing/guest_frames.h"
#include "hypervisor/sharing/map_reader.h"
#include "hypervisor/vm.h"

namespace hv {

class MapScanner {
 public:
  // One step: looks at settings.step_pages pages, or fences. True: that was the last step of a round over all
  // VMs.
  bool step(Arch& arch, PagePool& pool, GuestFrames& frames, std::span<Vm> vms);
  bool in_round() const { return phase_ != Phase::between; }
  std::uint64_t shared_in_round() const { return shared_; }  // pages, by this or the last round

 private:
  enum class Phase : std::uint8_t { between, first, fence, second };

  void begin_round(Arch& arch, std::span<Vm> vms);
  std::uint64_t end_of(const Vm& vm) const;
  void leave_unshared(const Vm& vm, GuestFrames::PageSet& pages) const;
  void begin(Arch& arch, const GuestFrames& frames, Vm& vm);
  void first_look(Arch& arch, PagePool& pool, GuestFrames& frames, Vm& vm);
  void second_look(Arch& arch, PagePool& pool, GuestFrames& frames, Vm& vm);
  bool next_vm(std::size_t count);

  Phase phase_ = Phase::between;
  std::uint32_t vm_ = 0;
  std::uint64_t page_ = 0;       // the block that is next
  std::uint64_t first_ = 0;      // where each VM's looks begin in this round
  std::uint32_t asked_vm_ = 0;   // whose wishes were looked at last
  std::uint64_t asked_end_ = 0;  // not 0: a round over what a guest asked for, up to here
  std::uint64_t reserve_ = 0;    // pages still to be left alone
  std::uint64_t free_ = 0;       // pages that C1 found
  std::uint64_t shared_ = 0;
};

}  // namespace hv
