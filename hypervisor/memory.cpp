// Guests' memory while they run: writes to shared pages, waiting for frames, and the scans.
#include <algorithm>
#include <cstddef>

#include "hypervisor/abi/memory_map.h"
#include "hypervisor/atomics.h"
#include "hypervisor/bits.h"
#include "hypervisor/hypervisor.h"
#include "hypervisor/locked.h"
#include "hypervisor/phase.h"

namespace hv {
namespace {

constexpr std::uint64_t kEnoughPages = 2;        // a frame and a table: any write goes on with these
constexpr std::uint32_t kMostFailures = 10'000;  // periods in which a guest may still be booting
constexpr std::uint64_t kScansPerAudit = 64;
constexpr std::uint32_t kVainPeriods = 3;  // after so many without a frame for anybody, a VM is given up

}  // namespace

void Hypervisor::start_sharing(Arch& arch) {
  const SharingSettings& settings = settings_.sharing;
  const bool polls = settings_.delivery == abi::Delivery::polling;  // the last hart, which does nothing else
  const std::uint64_t harts =
      polls ? all_harts_ & ~(std::uint64_t{1} << highest_bit(all_harts_)) : all_harts_;
  scan_hart_ = (harts >> settings.scan_hart & 1) != 0 ? settings.scan_hart : lowest_bit(harts);
  if (!settings.shares()) return;
  for (unsigned vm = 0; vm < vm_count_; ++vm) ask_for_pages(arch, vms_[vm], true);
  const std::uint64_t now = arch.ticks();
  due_.round = now;
  due_.check = now + ticks_of_us(settings.period_us);
  due_.sample = now + ticks_of_us(settings.epoch_us);
  begin_scans(now + ticks_of_us(settings.start_us));
  booted_ = now;
  if (settings_.plan.count != 0) due_.other = now + ticks_of_us(settings_.plan.switches[0].at_us);
}

void Hypervisor::begin_scans(std::uint64_t at) {
  const SharingSettings& settings = settings_.sharing;
  due_.map = scans_maps(settings.policy) ? at + ticks_of_us(settings.period_us) : kNever;
  due_.content = scans_content(settings.policy) ? at + content_interval() : kNever;
}

std::uint64_t Hypervisor::content_interval() const {
  const SharingSettings& settings = settings_.sharing;
  return std::max<std::uint64_t>(1, timebase_hz_ * settings.content_step_pages / settings.pages_per_second);
}

// A guest page fault inside the VM's memory: a store to a shared page, or the guest's page-table walker would
// set A or D in one; the manual reports that as a fault of the access that it walks for.
Hypervisor::Verdict Hypervisor::memory_fault(Arch& arch, Vcpu& vcpu, const Exit& exit) {
  announce(arch, HypervisorPhase::unshare);
  switch (frames_.make_writable(arch, pool_, vm_of(vcpu), Gpa{exit.guest_physical})) {
    case GuestFrames::Outcome::writable:
      return Verdict::resume;
    case GuestFrames::Outcome::starved:
      return Verdict::starve;
    case GuestFrames::Outcome::outside:
      break;
  }
  return kill(arch, vcpu, exit);
}

// There was no frame: the VCPU waits, before the access that needs one, until frames return.
Vcpu* Hypervisor::starve(Arch& arch, Vcpu& vcpu) {
  Vm& vm = vm_of(vcpu);
  if (load_acquire(vm.sharing.given_up) != 0) {
    if (drain_all(arch, vm, vcpu.drain, Patience::while_its_turn) == Drained::not_all)
      return give_way(arch, vcpu, Vcpu::Unfinished::starve);
    Text reason;
    reason.add("killed: no memory is left, and nobody returns any");
    end_vm(arch, vm, kKilled, reason);
    return leave(arch, vcpu);
  }
  unload(arch, vcpu);
  if (exchange(vcpu.starved, std::uint32_t{1}) == 0) {
    vcpu.starved_since = arch.ticks();
    const bool first = add(starving_, std::uint32_t{1}) == 1;
    if (first && arch.hart() != scan_hart_) arch.send_ipi(scan_hart_);  // it sets its timer to the check
    vm.count(vm.sharing[SharingCounter::pauses]);
  }
  const bool last = scheduler_.begin_block(arch, vcpu.id);
  if (pool_.pages_to_give() >= kEnoughPages) scheduler_.wake(arch, vcpu.id);
  const bool whole = !last || drain_all(arch, vm, vcpu.drain, Patience::while_its_turn) != Drained::not_all;
  if (!whole) return stay(arch, vcpu, Vcpu::Unfinished::starve);
  if (vcpu.unfinished != Vcpu::Unfinished::nothing) vcpu.finish();
  settle_overrun(arch, vcpu);
  if (!scheduler_.finish_block(arch, vcpu.id, kNever))
    return scheduler_.condemned(vcpu.vm) ? leave(arch, vcpu) : &vcpu;
  return next_vcpu(arch);
}

void Hypervisor::feed_starved(Arch& arch) {
  if (load_acquire(starving_) == 0 || pool_.pages_to_give() < kEnoughPages) return;
  for (unsigned id = 0; id < vcpu_count_; ++id)
    if (load_relaxed(vcpus_[id].starved) != 0 && starves_no_longer(arch, vcpus_[id]))
      scheduler_.wake(arch, vcpus_[id].id);
}

// False: it did not.
bool Hypervisor::starves_no_longer(Arch& arch, Vcpu& vcpu) {
  if (exchange(vcpu.starved, std::uint32_t{0}) == 0) return false;
  add(starving_, ~std::uint32_t{0});
  vm_of(vcpu).count(vm_of(vcpu).sharing[SharingCounter::pause_ticks], arch.ticks() - vcpu.starved_since);
  return true;
}

// Pages that a guest released. In pieces of 2 MiB. False: some of them have frames of their own still.
bool Hypervisor::take_back(Arch& arch, Vm& vm, Gpa at, std::uint64_t order) {
  constexpr std::uint64_t most = 9;
  const auto piece = static_cast<unsigned>(std::min(order, most));
  bool all = true;
  for (std::uint64_t left = std::uint64_t{1} << (order - piece); left != 0; --left) {
    all &= frames_.give_back(arch, pool_, vm, at, piece);
    at = at + (hvsim::isa::kPageBytes << piece);
  }
  feed_starved(arch);
  return all;
}

// What the guest finds in its shared page: how it is to give pages back under this policy, or under another
// one no longer.
void Hypervisor::ask_for_pages(Arch& arch, Vm& vm, bool ask) {
  const SharingSettings& settings = settings_.sharing;
  const auto write = [&](std::size_t offset, std::uint64_t value) {
    arch.write_word(vm.shared_page + offset, ask ? value : 0);
  };
  if (settings.policy == SharingPolicy::balloon)
    write(offsetof(abi::SharedPage, balloon_percent),
          settings.balloon_percent | std::uint64_t{settings.balloon_order} << 32);
  if (settings.policy == SharingPolicy::free_page_reporting) {
    write(offsetof(abi::SharedPage, report_delay_ticks), ticks_of_us(settings.report_delay_us));
    write(offsetof(abi::SharedPage, report_order), abi::kReportOrder);
  }
}

// Everybody who could go on waits for a frame. Who sleeps without a time to wake is woken by somebody who
// runs or not at all: no device acts by itself.
bool Hypervisor::hopeless() const {
  bool any = false;
  for (unsigned id = 0; id < vcpu_count_; ++id) {
    const Vcpu& vcpu = vcpus_[id];
    const Scheduler::State state = scheduler_.state(static_cast<VcpuId>(id));
    if (state == Scheduler::State::stopped) continue;
    const bool starved = load_relaxed(vcpu.starved) != 0;
    const std::uint64_t wake_at = vcpu.sstc ? vcpu.vs.vstimecmp : late_deadline(vcpu);
    if (state != Scheduler::State::blocked || (!starved && wake_at != kNever)) return false;
    any |= starved;
  }
  return any;
}

// The VM whose VCPU began to wait last is given up, so that the others go on: it is ended when it tries
// again.
void Hypervisor::check_starvation(Arch& arch, std::uint64_t now) {
  due_.check = now + ticks_of_us(settings_.sharing.period_us);
  if (load_acquire(starving_) == 0 || !hopeless()) {
    vain_periods_ = 0;
    return;
  }
  if (++vain_periods_ < kVainPeriods) return;
  vain_periods_ = 0;
  Vcpu* newest = nullptr;
  for (unsigned id = 0; id < vcpu_count_; ++id)
    if (load_relaxed(vcpus_[id].starved) != 0 &&
        (newest == nullptr || vcpus_[id].starved_since > newest->starved_since))
      newest = &vcpus_[id];
  if (newest == nullptr) return;
  store_release(vm_of(*newest).sharing.given_up, std::uint32_t{1});
  scheduler_.wake(arch, newest->id);
}

// When this hart should be interrupted for the scans' sake.
std::uint64_t Hypervisor::next_scan(Arch& arch) const {
  if (arch.hart() != scan_hart_ || all_off()) return kNever;
  const std::uint64_t check = load_relaxed(starving_) == 0 ? kNever : due_.check;
  const std::uint64_t other = map_scanner_.in_round() ? kNever : due_.other;  // after the round
  return std::min({due_.map, due_.content, due_.sample, check, other});
}

// The time that it takes is nobody's: whoever was interrupted waits meanwhile, and its slice is extended.
void Hypervisor::scan_if_due(Arch& arch, const Vcpu* interrupted) {
  const std::uint64_t now = arch.ticks();
  if (now < next_scan(arch)) return;
  Hart& hart = here(arch);
  arch.mark(MarkKind::vcpu, hvsim::isa::kMarkNoVcpu);
  hart.announced = kNoVcpu;
  if (interrupted != nullptr) scheduler_.set_aside(arch, interrupted->id, true);
  announce(arch, HypervisorPhase::scan);
  scan(arch, now);
  feed_starved(arch);
  if (settings_.audit_exits != 0 && ++scans_ % kScansPerAudit == 0) {
    Text why;
    if (!audit_memory(arch, why)) report_unsound(arch, why);
  }
  if (interrupted == nullptr) return;
  hart.slice_end += arch.ticks() - now;
  scheduler_.set_aside(arch, interrupted->id, false);
}

// One step towards the map of a Linux guest whose map is not known. False: there is nothing to look for now.
bool Hypervisor::introspect(Arch& arch, std::uint64_t now) {
  using Search = VmSharing::MapSearch;
  if (settings_.sharing.source != MapSource::introspection) return false;
  for (unsigned id = 0; id < vm_count_; ++id) {
    Vm& vm = vms_[id];
    if (vm.sharing.search != Search::open || now < vm.sharing.search_again) continue;
    const Locked locked(arch, vm.sharing.lock);
    if (vm.state != Vm::State::alive) continue;
    if (!vm.has_devices) {
      vm.sharing.search = Search::declined;
      report_search(arch, vm, "it is no Linux guest");
      continue;
    }
    Introspection& introspection = introspections_[id];
    const Cycles start = arch.cycles();
    if (vm.sharing.search_failures == 0 && vm.sharing.search_again == 0) {
      introspection.begin(vm);
      vm.sharing.search_again = 1;
    }
    const Introspection::Result result = introspection.step(arch, vm);
    vm.sharing[SharingCounter::introspection_cycles] += arch.cycles() - start;
    if (result == Introspection::Result::more) return true;
    if (result == Introspection::Result::found) {
      vm.sharing.map = introspection.layout();
      vm.sharing.search = Search::found;
      report_search(arch, vm, "its page descriptors are found and verified");
      return true;
    }
    vm.sharing.search_again = now + ticks_of_us(settings_.sharing.period_us);
    const bool patient =
        result == Introspection::Result::failed && ++vm.sharing.search_failures < kMostFailures;
    if (patient) continue;
    vm.sharing.search = Search::declined;
    ++vm.sharing[SharingCounter::declined];
    report_search(arch, vm, introspection.why());
  }
  return false;
}

void Hypervisor::report_search(Arch& arch, const Vm& vm, std::string_view what) {
  Text line;
  const bool found = vm.sharing.search == VmSharing::MapSearch::found;
  line.add("[hv] ")
      .add(vm.name())
      .add(found ? ": memory map: " : ": memory map declined: ")
      .add(what)
      .add("\n");
  arch.console(line.view());
}

void Hypervisor::scan(Arch& arch, std::uint64_t now) {
  const SharingSettings& settings = settings_.sharing;
  const std::span<Vm> vms{vms_.data(), vm_count_};
  if (now >= due_.map) {
    const bool free = settings.policy == SharingPolicy::oracle;
    if (!map_scanner_.in_round()) due_.round = now;
    if (free) arch.free_of_charge(true);
    const bool searched = introspect(arch, now);
    const bool over = !searched && map_scanner_.step(arch, pool_, frames_, vms);
    if (free) arch.free_of_charge(false);
    const std::uint64_t soon = arch.ticks() + ticks_of_us(settings.step_gap_us);
    const bool hurry = !over || load_relaxed(starving_) != 0;
    due_.map = hurry ? soon : std::max(soon, due_.round + ticks_of_us(settings.period_us));
  }
  if (now >= due_.content) {
    content_scanner_.step(arch, pool_, frames_, vms);
    due_.content = std::max(due_.content + content_interval(), arch.ticks() + 1);
  }
  if (now >= due_.other && !map_scanner_.in_round()) switch_policies(arch);
  if (now >= due_.check) check_starvation(arch, now);
  if (now >= due_.sample) {
    for (unsigned vm = 0; vm < vm_count_; ++vm) send_counters(arch, vm);
    due_.sample = now + ticks_of_us(settings.epoch_us);
  }
}

// Whoever watches the marks gets all numbers of a VM, and those of the machine.
void Hypervisor::send_counters(Arch& arch, unsigned vm) {
  const auto send = [&](unsigned of, SharingCounter counter, std::uint64_t value) {
    arch.mark(MarkKind::statistic, mark_statistic(of, counter, value));
  };
  {
    Vm& sharer = vms_[vm];
    const Locked locked(arch, sharer.sharing.lock);
    sharer.sharing.settle(arch.ticks());
    for (std::size_t i = 0; i <= static_cast<std::size_t>(SharingCounter::declined); ++i)
      send(vm, static_cast<SharingCounter>(i), sharer.sharing.counters[i]);
  }
  send(kMachineCounters, SharingCounter::pool_pages, pool_pages_);
  send(kMachineCounters, SharingCounter::least_free_pages, pool_.least_free_pages());
  send(kMachineCounters, SharingCounter::pool_free_pages, pool_.free_pages());
  send(kMachineCounters, SharingCounter::pool_kept_pages, pool_.kept_pages());
  if (!frames_.records().exist()) return;
  const Locked locked(arch, frames_.records().lock());
  send(kMachineCounters, SharingCounter::content_frames, frames_.records().shared_frames());
  send(kMachineCounters, SharingCounter::content_frame_ticks, frames_.records().shared_frame_ticks(arch));
}

}  // namespace hv
