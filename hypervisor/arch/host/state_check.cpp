// One function per part, each of them a list of what must hold.
#include "hypervisor/arch/host/state_check.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

namespace hv {
namespace {

// Of a bool as it lies in memory: any other byte would be no value of its type.
template <class... Bools>
bool truths(const Bools&... values) {
  const auto good = [](const bool& value) {
    std::uint8_t byte = 0;
    std::memcpy(&byte, &value, sizeof byte);
    return byte <= 1;
  };
  return (good(values) && ...);
}

// Of an optional whose flag lies behind its value.
template <class T>
bool truth_of(const std::optional<T>& value) {
  std::uint8_t byte = 0;
  std::memcpy(&byte, reinterpret_cast<const std::uint8_t*>(&value) + sizeof(T), sizeof byte);
  return byte <= 1;
}

template <class E>
bool up_to(E value, E last) {
  return static_cast<std::uint64_t>(value) <= static_cast<std::uint64_t>(last);
}

bool number_of(VcpuId vcpu, unsigned vcpus) { return vcpu == kNoVcpu || vcpu < vcpus; }

bool only_first(std::uint64_t set, unsigned count) { return count >= 64 || set >> count == 0; }

}  // namespace

bool StateCheck::sharing(const SharingSettings& settings) {
  if (!truths(settings.demand, settings.block_leaves, settings.unshare_blocks, settings.any_policy))
    return false;
  return std::ranges::all_of(kSharingFields, [&](const SharingField& field) {
    const std::uint32_t value = field.read(settings);
    return value >= field.least && value <= field.most;
  });
}

bool StateCheck::settings(const Settings& settings) {
  const PolicyPlan& plan = settings.plan;
  if (plan.count > kMaxPolicySwitches) return false;
  const auto sound = [](const PolicySwitch& each) {
    return up_to(each.scheduler, SchedulerPolicy::credit) && each.sharing < SharingPolicy::count;
  };
  return up_to(settings.delivery, abi::Delivery::free) && settings.calls_per_notification >= 1 &&
         settings.calls_per_notification <= abi::kMaxNotifications && settings.dlh.capacity >= 1 &&
         settings.dlh.capacity <= kMaxQueueCapacity && up_to(settings.scheduler, SchedulerPolicy::credit) &&
         settings.time_slice_us != 0 && settings.cap_period_us != 0 && sharing(settings.sharing) &&
         truths(settings.drain_at_entry, settings.tick_when_alone, settings.print_statistics,
                settings.read_instructions) &&
         std::all_of(plan.switches.begin(), plan.switches.begin() + plan.count, sound);
}

// Each VCPU is in the heap that its state says, at the place that it says, and nowhere else.
bool StateCheck::lines(const Scheduler& scheduler) {
  std::array<unsigned, kMaxVcpus> seen{};
  const auto sound = [&](const VcpuHeap& heap) {
    if (heap.size_ > scheduler.count_) return false;
    for (unsigned i = 0; i < heap.size_; ++i) {
      const VcpuId vcpu = heap.items_[i];
      if (vcpu >= scheduler.count_ || scheduler.places_[vcpu].at != i) return false;
      ++seen[vcpu];
    }
    return heap.sound(scheduler.places_);
  };
  if (!std::ranges::all_of(scheduler.ready_.lines_, sound)) return false;
  if (!std::ranges::all_of(scheduler.sleepers_, sound)) return false;
  for (VcpuId vcpu = 0; vcpu < scheduler.count_; ++vcpu) {
    const Scheduler::Entity& entity = scheduler.entities_[vcpu];
    const bool ready = entity.state == Scheduler::State::ready;
    const bool sleeps =
        (entity.state == Scheduler::State::blocked || entity.state == Scheduler::State::parked) &&
        entity.wake_at != kNever;
    const std::uint16_t at = scheduler.places_[vcpu].at;
    if (seen[vcpu] != (ready || sleeps ? 1u : 0u) || (at == VcpuHeap::kNowhere) == (ready || sleeps))
      return false;
    if (sleeps && entity.hart >= kMaxHarts) return false;
    const VcpuHeap& heap = sleeps ? scheduler.sleepers_[entity.hart] : scheduler.ready_.lines_[entity.line];
    if ((ready || sleeps) && (at >= heap.size_ || heap.items_[at] != vcpu)) return false;
  }
  return true;
}

bool StateCheck::credit(const CreditBook& book) {
  const auto shares = [](const CreditBook::Vm& vm) {
    return vm.share.weight >= 1 && vm.share.weight <= kMaxWeight && vm.share.cap_percent <= kMaxCapPercent &&
           vm.vcpus <= kMaxVcpusPerVm;
  };
  return up_to(book.settings_.policy, SchedulerPolicy::credit) && book.settings_.slice_ticks != 0 &&
         book.settings_.cap_period_ticks != 0 && std::ranges::all_of(book.vms_, shares) &&
         std::ranges::all_of(book.clock_of_, [](std::uint8_t clock) { return clock < kMaxHarts; });
}

bool StateCheck::scheduler(const Scheduler& scheduler, unsigned vms) {
  const unsigned count = scheduler.count_;
  if (count > kMaxVcpus || scheduler.ready_.count_ > kMaxVms) return false;
  if (!up_to(scheduler.settings_.policy, SchedulerPolicy::credit) || scheduler.settings_.slice_ticks == 0 ||
      !truths(scheduler.settings_.tick_when_alone))
    return false;
  std::uint64_t waited_for = 0;
  for (VcpuId vcpu = 0; vcpu < count; ++vcpu) {
    const Scheduler::Entity& entity = scheduler.entities_[vcpu];
    const bool placed = entity.hart < kMaxHarts || !Scheduler::is_on_hart(entity.state);
    if (entity.state == Scheduler::State::ready) waited_for |= entity.harts;
    if (entity.vm >= vms || entity.number >= kMaxVcpusPerVm || entity.hart > kMaxHarts || !placed ||
        entity.line >= kMaxVms || !up_to(entity.state, Scheduler::State::parked) ||
        !truths(entity.pending, entity.aside, entity.lingers))
      return false;
  }
  for (const Scheduler::Group& group : scheduler.groups_) {
    const bool none = group.count == 0 && group.first == kNoVcpu;
    if (!none && (group.count > kMaxVcpusPerVm || group.first + group.count > count)) return false;
    if (group.active > group.count || group.on_hart > group.count || group.living > group.count) return false;
  }
  for (const std::uint64_t lines_of_hart : scheduler.ready_.of_hart_)
    if (!only_first(lines_of_hart, scheduler.ready_.count_)) return false;
  return std::ranges::all_of(scheduler.running_, [&](VcpuId vcpu) { return number_of(vcpu, count); }) &&
         credit(scheduler.book_) && lines(scheduler) && scheduler.ready_.harts() == waited_for;
}

bool StateCheck::queue(const DlhQueue& queue, unsigned vms) {
  const std::uint64_t waiting = queue.appended_ - queue.finished_;
  if (queue.limits_.capacity < 1 || queue.limits_.capacity > kMaxQueueCapacity ||
      queue.appended_ < queue.finished_ || waiting > queue.limits_.capacity || !truths(queue.draining_))
    return false;
  // Between two entries of the hypervisor nobody drains here, nor waits for it.
  if (queue.draining_ || queue.drains_asked_ != queue.drains_ended_ || queue.given_up_ != 0) return false;
  for (std::uint64_t ticket = queue.finished_; ticket != queue.appended_; ++ticket)
    if (queue.owners_[ticket % queue.limits_.capacity] >= vms) return false;
  return true;
}

bool StateCheck::devices(const Vm& vm) {
  const VirtualConsole& console = vm.console;
  const VirtualDisk& disk = vm.disk;
  return console.prefix_ <= kMaxNameBytes + 3 && console.end_ >= console.prefix_ &&
         console.end_ < console.prefix_ + kConsoleLineBytes && vm.plic.contexts_ <= kMaxVcpusPerVm &&
         disk.queue_size_ >= 1 && disk.queue_size_ <= VirtualDisk::kQueueSize &&
         truths(disk.content_.exists_, vm.uart.has_received_) && truths(vm.uart.transmitter_interrupt_) &&
         vm.hints.granule_pages_ != 0 && vm.hints.pages_ <= vm.hints.granule_pages_ * PageHints::kGranules;
}

// As a reader of memory maps takes it.
bool StateCheck::layout(const MapLayout& map) {
  const auto fits = [&](std::uint32_t offset, std::uint32_t bytes) {
    return offset <= map.entry_bytes && bytes <= map.entry_bytes - offset;
  };
  if (map.present > 1) return false;
  return map.present == 0 ||
         (map.entry_bytes <= 64 && fits(map.state_offset, 4) && fits(map.order_offset, 4) &&
          (map.since_offset == ~std::uint32_t{0} || fits(map.since_offset, 8)));
}

bool StateCheck::Tables::sound(Hpa table, unsigned level) {
  namespace pte = hvsim::isa::pte;
  if (left == 0) return false;
  --left;
  std::vector<std::uint64_t> entries(StageTwoTable::entries(level));
  read(table, entries.data(), entries.size() * sizeof entries[0]);
  return std::ranges::all_of(entries, [&](std::uint64_t entry) {
    if ((entry & pte::v) == 0 || (entry & (pte::r | pte::w | pte::x)) != 0) return true;
    return level != 0 && sound(StageTwoTable::as_leaf({}, entry, level).frame, level - 1);
  });
}

bool StateCheck::tables(const StageTwoTable& table, const PagePool& pool, const Read& read) {
  return !table.exists_ || Tables{read, pool.pages_}.sound(table.root_, StageTwoTable::kTop);
}

bool StateCheck::vcpu(const Vcpu& vcpu, const Hypervisor& core) {
  const Drain& drain = vcpu.drain;
  const bool ends = vcpu.unfinished == Vcpu::Unfinished::end;
  // Harts whose queues are drained one after the other; or the rings of a VM, and one more when all are.
  const unsigned steps =
      core.settings_.delivery == abi::Delivery::softirq ? kMaxHarts : core.vms_[vcpu.vm % kMaxVms].vcpus + 1u;
  return vcpu.vm < core.vm_count_ && vcpu.number < kMaxVcpusPerVm && vcpu.last_hart <= kMaxHarts &&
         vcpu.fp_hart <= kMaxHarts && truths(vcpu.sstc, drain.begun, drain.left_over) &&
         up_to(vcpu.unfinished, Vcpu::Unfinished::entry) && (!ends || core.scheduler_.condemned(vcpu.vm)) &&
         drain.step < steps && vcpu.fatal.reason < ExitReason::count;
}

bool StateCheck::vm(const Vm& vm, const Hypervisor& core) {
  const VmSharing& sharing = vm.sharing;
  const unsigned first = vm.first_vcpu, behind = first + vm.vcpus;
  if (&vm != &core.vms_[vm.id % kMaxVms] || vm.id >= core.vm_count_ || !up_to(vm.state, Vm::State::off) ||
      vm.name_characters[kMaxNameBytes] != 0 || vm.vcpus < 1 || vm.vcpus > kMaxVcpusPerVm ||
      behind > core.vcpu_count_)
    return false;
  for (unsigned i = first; i < behind; ++i)
    if (core.vcpus_[i].vm != vm.id || core.vcpus_[i].number != i - first) return false;
  const Vm::Rings& rings = vm.rings;
  return truths(vm.sstc, vm.has_devices, vm.has_disk, vm.counted_by_many, vm.table.exists_) &&
         vm.memory_bytes <= std::uint64_t{1} << 41 &&
         vm.own_pages <= vm.memory_bytes / hvsim::isa::kPageBytes && rings.capacity <= kMaxQueueCapacity &&
         rings.pages_each <= kMaxRingPages && rings.capacity <= rings.pages_each * 64 &&
         up_to(sharing.search, VmSharing::MapSearch::declined) && truth_of(sharing.symbols) &&
         layout(sharing.map) && queue(vm.queue, core.vm_count_) && devices(vm);
}

bool StateCheck::pool(const PagePool& pool) {
  if (pool.pages_ > kMaxPoolPages || pool.free_pages_ > pool.pages_ || pool.top_word_ >= PagePool::kWords)
    return false;
  std::uint64_t free = 0;
  for (std::uint64_t word = 0; word < PagePool::kWords; ++word) {
    const std::uint64_t first = word * 64, here = pool.pages_ > first ? pool.pages_ - first : 0;
    if (!only_first(pool.free_[word], static_cast<unsigned>(std::min<std::uint64_t>(here, 64)))) return false;
    free += count_bits(pool.free_[word]);
  }
  return free == pool.free_pages_ && pool.kept_pages_ <= free;
}

// In each tree, every record once at most.
bool StateCheck::records(const FrameRecords& records, const PagePool& pool, unsigned vms, const Read& read) {
  constexpr std::uint32_t none = FrameRecords::kNone;
  if (records.count_ == 0) return true;
  if (records.count_ != pool.pages_ || records.base_ != pool.base_) return false;
  for (const unsigned tree : {FrameRecords::stable, FrameRecords::unstable}) {
    std::vector<bool> seen(records.count_);
    std::vector<std::uint32_t> left{records.roots_[tree]};
    while (!left.empty()) {
      const std::uint32_t number = left.back();
      left.pop_back();
      if (number == none) continue;
      if (number >= records.count_ || seen[number]) return false;
      seen[number] = true;
      FrameRecords::Record record{};
      read(records.at(number), &record, sizeof record);
      if (record.vm >= vms) return false;
      left.insert(left.end(), {record.left[tree], record.right[tree]});
    }
  }
  return true;
}

bool StateCheck::introspection(const Introspection& search) {
  using Stage = Introspection::Stage;
  const auto& at = search.at_;
  if (!up_to(search.stage_, Stage::verify) || search.why_.size_ > sizeof search.why_.characters_ ||
      !truths(search.has_symbols_, search.has_types_, search.learned_) || !layout(search.layout_) ||
      !truth_of(search.given_) || search.table_.symbols_ > Kallsyms::kMaxSymbols ||
      search.types_.next_id_ < 1 || search.types_.next_id_ > Btf::kMaxTypes)
    return false;
  if (search.stage_ < Stage::zones) return true;  // types have been read and found sane
  return at.orders <= Introspection::kMaxOrders && at.zones <= Introspection::kMaxZones &&
         at.page_bytes != 0 && at.section_bytes != 0;
}

unsigned StateCheck::vcpus(const Hypervisor& core) { return core.vcpu_count_; }

std::string_view StateCheck::problem(const Hypervisor& core, unsigned harts, const Read& read) {
  if (core.vm_count_ == 0 || core.vm_count_ > kMaxVms || core.vcpu_count_ > kMaxVcpus ||
      core.scheduler_.count_ != core.vcpu_count_)
    return "numbers of VMs and VCPUs";
  if (!settings(core.settings_) || !sharing(core.frames_.settings_) || core.timebase_hz_ == 0 ||
      core.timebase_hz_ > 1'000'000'000 || !only_first(core.all_harts_, harts) || core.scan_hart_ >= harts ||
      core.next_switch_ > core.settings_.plan.count || core.vms_off_ > core.vm_count_ ||
      !truths(core.machine_sstc_, core.vmids_suffice_, core.entries_drain_, core.frames_.has_zero_))
    return "settings";
  if (!pool(core.pool_)) return "the page pool";
  if (!records(core.frames_.records_, core.pool_, core.vm_count_, read)) return "records of shared frames";
  if (!up_to(core.map_scanner_.phase_, MapScanner::Phase::second) ||
      core.map_scanner_.vm_ >= core.vm_count_ || core.map_scanner_.page_ % 512 != 0 ||
      core.map_scanner_.first_ % 512 != 0 || core.content_scanner_.vm_ >= core.vm_count_)
    return "scanners";
  if (!std::ranges::all_of(core.introspections_, introspection)) return "introspection";
  for (unsigned i = 0; i < core.vcpu_count_; ++i)
    if (core.vcpus_[i].id != i || !vcpu(core.vcpus_[i], core)) return "a VCPU";
  for (unsigned i = 0; i < core.vm_count_; ++i) {
    if (!vm(core.vms_[i], core)) return "a VM";
    if (!tables(core.vms_[i].table, core.pool_, read) ||
        !tables(core.vms_[i].disk.content_, core.pool_, read))
      return "a stage-two table";
  }
  if (!scheduler(core.scheduler_, core.vm_count_)) return "the scheduler";
  for (const Hypervisor::Hart& hart : core.harts_) {
    const auto known = [&](VcpuId vcpu) { return number_of(vcpu, core.vcpu_count_); };
    if (!known(hart.loaded) || !known(hart.fp_loaded) || !known(hart.announced) ||
        !truths(hart.idle_announced, hart.untimed) || !known(hart.slice_of) ||
        (hart.untimed && hart.slice_of == kNoVcpu) || !std::ranges::all_of(hart.last_vcpu, known))
      return "a hart";
  }
  for (const DlhQueue& each : core.hart_queues_)
    if (!queue(each, core.vm_count_)) return "the queue of a hart";
  return {};
}

}  // namespace hv
