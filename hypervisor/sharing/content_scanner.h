// Shares pages of the same content, in the manner of KSM: a page that did not change between two visits is
// looked for among the shared frames, then among the pages that this round has seen.
#pragma once

#include <cstdint>
#include <span>

#include "arch.h"
#include "hypervisor/sharing/guest_frames.h"
#include "hypervisor/vm.h"

namespace hv {

class ContentScanner {
 public:
  // Visits settings.content_step_pages pages, where the last step ended. True: a round over all VMs is over.
  bool step(Arch& arch, PagePool& pool, GuestFrames& frames, std::span<Vm> vms);

 private:
  struct Context {  // of one step
    Arch& arch;
    PagePool& pool;
    GuestFrames& frames;
    std::span<Vm> vms;
  };
  struct Page {
    Vm& vm;
    Gpa at;
  };
  void visit_asked(const Context& context, Vm& vm, std::uint32_t& left);
  static bool passes_over(Page page);
  void visit(const Context& context, Page page);
  bool merge_with_shared(const Context& context, Page page, std::uint32_t number);
  bool merge_pair(const Context& context, Page page, std::uint32_t number);

  std::uint32_t vm_ = 0;
  std::uint64_t page_ = 0;
  std::uint32_t steps_ = 0;
};

}  // namespace hv
