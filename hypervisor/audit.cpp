// The hypervisor checks itself: for soak tests, and for whoever suspects it.
#include "hypervisor/atomics.h"
#include "hypervisor/hypervisor.h"

namespace hv {

// Other harts may be at work meanwhile, so this looks only at what a lock or the order of writes keeps whole.
bool Hypervisor::audit(Arch& arch, Text& why) {
  if (!scheduler_.audit(arch, why)) return false;
  if (!pool_.audit(arch)) {
    why.add("page pool: the number of free pages");
    return false;
  }
  for (unsigned i = 0; i < vm_count_; ++i) {
    const DlhQueue& queue = vms_[i].queue;
    const DlhQueue::Ticket finished = queue.finished();  // first: what is appended meanwhile does no harm
    if (queue.appended() >= finished) continue;
    why.add(vms_[i].name()).add(": more calls run than were queued");
    return false;
  }
  return true;
}

void Hypervisor::audit_now_and_then(Arch& arch) {
  if (++here(arch).exits % settings_.audit_exits != 0) return;
  Text why;
  if (!audit(arch, why)) report_unsound(arch, why);
}

void Hypervisor::report_unsound(Arch& arch, const Text& why) {
  if (load_acquire(first_failure_) == 0) store_release(first_failure_, kUnsound);
  Text line;
  line.add("[hv] audit failed: ").add(why.view()).add("\n");
  arch.console(line.view());
}

}  // namespace hv
