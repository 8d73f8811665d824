// The hypervisor: a reactor from (VCPU, exit) to the VCPU that runs next. It owns no loop and no globals.
//
// For each exit the port does, in this order (the order of the DLH claims):
//   trap; save the general registers into the VCPU       the port
//   next = handle(vcpu, exit)                            handles the exit and lets the scheduler select
//   next = prepare_entry(next)                           drains the queue of next's VM, then loads its
//   context load next's general registers; return to the guest   the port
// and when one of these returns nobody: rest(), wait for an interrupt, resume_idle().
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include "arch.h"
#include "hypervisor/arch_port.h"
#include "hypervisor/bits.h"
#include "hypervisor/bundle.h"
#include "hypervisor/device_access.h"
#include "hypervisor/exits.h"
#include "hypervisor/guest_memory.h"
#include "hypervisor/inspection.h"
#include "hypervisor/limits.h"
#include "hypervisor/page_pool.h"
#include "hypervisor/platform.h"
#include "hypervisor/scheduler.h"
#include "hypervisor/sharing/content_scanner.h"
#include "hypervisor/sharing/guest_frames.h"
#include "hypervisor/sharing/linux/introspection.h"
#include "hypervisor/sharing/map_scanner.h"
#include "hypervisor/text.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/vm.h"

namespace hv {

static_assert(ArchPort<Arch>);

class Hypervisor {
 public:
  static constexpr std::uint32_t kKilled = 255;   // exit code of a VM that the hypervisor had to end
  static constexpr std::uint32_t kUnsound = 254;  // exit code when an audit has found something

  // Builds all VMs of the bundle on the boot hart. False: `why` says in one line what is wrong.
  bool boot(Arch& arch, const Platform& platform, std::span<const std::byte> bundle, Text& why);

  // nullptr: this hart has nothing to run.
  Vcpu* handle(Arch& arch, Vcpu& vcpu, const Exit& exit);
  Vcpu* resume_idle(Arch& arch);  // a hart came up, or one that rested was interrupted
  // The result is entered: `vcpu`, or somebody else where what its VM deferred took all of its turn. If
  // something of the result is unfinished, the hart is ahead of others, and goes on with resume_drain().
  Vcpu* prepare_entry(Arch& arch, Vcpu& vcpu);
  Vcpu* resume_drain(Arch& arch, Vcpu& vcpu);  // whom to prepare for entry, as after handle()
  // Nobody has this hart, which is ahead of others before it has done what it does before it rests.
  bool drains_before_rest(Arch& arch);
  void rest(Arch& arch);
  // A hart that runs no VCPUs but polls, again and again, instead of all of the above.
  bool polls(const Arch& arch) const;
  void poll(Arch& arch);

  // Whether the hypervisor's tables agree with each other and with themselves; if not, `why` says which do
  // not.
  bool audit(Arch& arch, Text& why);

  bool all_off() const;
  std::uint32_t exit_code() const;  // 0: every VM ended well; else the first failing VM's, 1..255

  abi::Delivery delivery() const { return settings_.delivery; }
  unsigned vm_count() const { return vm_count_; }
  const Vm& vm(unsigned index) const { return vms_[index]; }
  const Vcpu& vcpu(VcpuId id) const { return vcpus_[id]; }
  Vcpu& vcpu(VcpuId id) { return vcpus_[id]; }
  const Scheduler& scheduler() const { return scheduler_; }
  const PagePool& page_pool() const { return pool_; }
  const GuestFrames& frames() const { return frames_; }
  std::uint64_t pool_pages() const { return pool_pages_; }  // for VMs and tables, at boot
  Inspection inspect() const;  // valid while this object stays where it is; call it after boot()

 private:
  // What becomes of the VCPU whose exit was handled.
  enum class Verdict : std::uint8_t {
    resume,
    slice_over,
    yield,
    block,
    starve,
    unfinished,  // see Vcpu::unfinished
    stop
  };

  struct Hart {
    VcpuId loaded = kNoVcpu;     // whose VS registers are in the CSRs
    VcpuId fp_loaded = kNoVcpu;  // whose FP registers are in the hart
    VcpuId announced = kNoVcpu;  // last MarkKind::vcpu
    bool idle_announced = false;
    std::uint64_t slice_end = kNever;  // of the VCPU that has the hart; kNever: none has
    VcpuId slice_of = kNoVcpu;
    bool untimed = false;     // nobody waited, so that the timer is not set to the end of the slice
    std::uint64_t exits = 0;  // handled here, for audits
    std::uint64_t timer = 0;  // what the timer is set to; 0: unknown
    std::array<VcpuId, kMaxVms> last_vcpu{};  // of each VM that ran here
  };

  // building (vm_builder.cpp)
  bool build_vm(Arch& arch, const VmConfig& config, const Platform& platform, Text& why);
  static void give_devices(Vm& vm);
  bool give_disk(Arch& arch, Vm& vm, const VmConfig& config, Text& why);
  bool load_image(Arch& arch, Vm& vm, const VmConfig& config);
  bool write_boot_info(Arch& arch, Vm& vm, const VmConfig& config);
  bool make_rings(Arch& arch, Vm& vm, abi::BootInfo& info);
  bool load_linux(Arch& arch, Vm& vm, const VmConfig& config, const Platform& platform, Text& why);
  void make_vcpu(Vm& vm, std::uint16_t number, std::uint64_t harts);
  void reset_vcpu(Vcpu& vcpu, std::uint64_t pc, std::uint64_t a1) const;

  // exits (hypervisor.cpp)
  Verdict dispatch(Arch& arch, Vcpu& vcpu, const Exit& exit);
  void audit_now_and_then(Arch& arch);
  bool audit_memory(Arch& arch, Text& why);
  void report_unsound(Arch& arch, const Text& why);
  Verdict instruction_fault(Arch& arch, Vcpu& vcpu, const Exit& exit);
  Verdict reflect(Arch& arch, Vcpu& vcpu, const Exit& exit);
  Verdict kill(Arch& arch, Vcpu& vcpu, const Exit& exit);
  Verdict end_vm(Arch& arch, Vm& vm, std::uint32_t code, const Text& reason);
  void reap(Arch& arch, Vm& vm);
  void print_statistics(Arch& arch, const Vm& vm);
  void print_sharing(Arch& arch, const Vm& vm);

  // memory that is shared (memory.cpp)
  void start_sharing(Arch& arch);
  void begin_scans(std::uint64_t at);
  Verdict memory_fault(Arch& arch, Vcpu& vcpu, const Exit& exit);
  Vcpu* starve(Arch& arch, Vcpu& vcpu);
  bool hopeless() const;
  void feed_starved(Arch& arch);
  bool starves_no_longer(Arch& arch, Vcpu& vcpu);
  bool take_back(Arch& arch, Vm& vm, Gpa at, std::uint64_t order);
  void ask_for_pages(Arch& arch, Vm& vm, bool ask);
  void scan_if_due(Arch& arch, const Vcpu* interrupted);
  void scan(Arch& arch, std::uint64_t now);
  std::uint64_t next_scan(Arch& arch) const;
  bool introspect(Arch& arch, std::uint64_t now);
  void report_search(Arch& arch, const Vm& vm, std::string_view what);
  void check_starvation(Arch& arch, std::uint64_t now);
  std::uint64_t content_interval() const;
  void send_counters(Arch& arch, unsigned vm);
  GuestMemory memory_of(Vm& vm) { return {frames_, pool_, vm}; }

  // policies that change while VMs run (policy_plan.cpp)
  bool plans(SharingPolicy policy) const;
  void configure_scheduler(Arch& arch);
  void switch_policies(Arch& arch);

  // emulated devices (devices.cpp)
  Verdict guest_page_fault(Arch& arch, Vcpu& vcpu, const Exit& exit);
  bool reach_device(Arch& arch, Vm& vm, GuestMemory& memory, Gpa at, const DeviceAccess& access,
                    std::uint64_t& value);
  void update_external_interrupts(Arch& arch, Vm& vm);

  // who runs next (switching.cpp, giving_way.cpp)
  Vcpu* select(Arch& arch, Vcpu& vcpu, Verdict verdict);
  Vcpu* give_way(Arch& arch, Vcpu& vcpu);
  Vcpu* give_way(Arch& arch, Vcpu& vcpu, Vcpu::Unfinished what);
  Vcpu* go_on(Arch& arch, Vcpu& vcpu);
  Verdict finish(Arch& arch, Vcpu& vcpu);
  Vcpu* stay(Arch& arch, Vcpu& vcpu, Vcpu::Unfinished what);
  bool settle(Arch& arch, Vcpu& vcpu);
  bool loaded_here(Arch& arch, const Vcpu& vcpu);
  void announce_vcpu(Arch& arch, const Vcpu& vcpu);
  Vcpu* finish_before_entry(Arch& arch, Vcpu& vcpu);
  Vcpu* preempt(Arch& arch, Vcpu& vcpu, Scheduler::Because because);
  Vcpu* park(Arch& arch, Vcpu& vcpu);
  Vcpu* block(Arch& arch, Vcpu& vcpu);
  Vcpu* leave(Arch& arch, Vcpu& vcpu);
  Vcpu* next_vcpu(Arch& arch);
  void unload(Arch& arch, Vcpu& vcpu);
  void load(Arch& arch, Vcpu& vcpu);
  void load_fp(Arch& arch, Vcpu& vcpu);
  void note_hart(Arch& arch, Vm& vm);
  void fence_for(Arch& arch, const Vcpu& vcpu, bool moved);
  void wake_sleepers(Arch& arch);
  void merge_interrupts(Arch& arch, Vcpu& vcpu);
  bool interrupt_waits(Arch& arch, const Vcpu& vcpu) const;
  void program_timer(Arch& arch, std::uint64_t deadline);
  std::uint64_t late_deadline(const Vcpu& vcpu) const;

  // how long it may run (slices.cpp)
  void new_slice(Arch& arch, Vcpu& vcpu);
  void no_slice(Arch& arch);
  // When the VCPU of this hart must give it away, as far as anybody waits for it.
  std::uint64_t slice_end(Arch& arch) {
    const Hart& hart = here(arch);
    if (!hart.untimed) return hart.slice_end;
    return scheduler_.alone(arch) && !(entries_drain_ && calls_wait(arch)) ? kNever : begin_timing(arch);
  }
  bool calls_wait(Arch& arch);
  void leave_calls(Arch& arch, Vm& vm);
  std::uint64_t begin_timing(Arch& arch);
  void pass_slices(Arch& arch);
  void settle_overrun(Arch& arch, Vcpu& vcpu);
  Verdict timer_expired(Arch& arch);

  // delivery of deferrable calls (delivery.cpp, draining.cpp)
  struct Ran {
    std::uint64_t calls = 0, succeeded = 0;
  };
  // How far a drain goes: to its end, or until somebody else should have the hart.
  enum class Patience : std::uint8_t { to_the_end, while_its_turn };
  enum class Drained : std::uint8_t { nothing, all, not_all };
  bool runs_in_trap() const;
  bool drains_before_blocking() const;
  DlhQueue& queue_for(Arch& arch, Vm& vm);
  std::uint64_t run_now(Arch& arch, Vm& vm, std::span<const abi::Notification> calls,
                        std::int64_t& last_error);
  bool enqueue(Arch& arch, Vcpu& vcpu, Vm& vm, std::span<const abi::Notification>& calls);
  bool drain_at_entry(Arch& arch, Vcpu& vcpu);
  bool entries_may_drain() const;
  bool drain_before_entry(Arch& arch, Vcpu& vcpu, bool goes_on);
  bool drain_within_budget(Arch& arch, Vm& vm, Drain& drain);
  bool hart_is_wanted(Arch& arch);
  bool hart_is_wanted(Arch& arch, Cycles now, Cycles& looked);
  bool wait_for_drain(Arch& arch, DlhQueue& queue, Patience patience);
  bool pass_barrier(Arch& arch, Vcpu& vcpu, Vm& vm);
  Drained drain_all(Arch& arch, Vm& vm, Drain& drain, Patience patience);
  Drained drain_harts(Arch& arch, Vm& vm, Drain& drain, Patience patience);
  Drained drain_queue(Arch& arch, DlhQueue& queue, Drain& drain, Patience patience);
  bool drain_when_idle(Arch& arch);
  bool run_everything(Arch& arch, DlhQueue& queue, Vm& vm, Drain& drain, Patience patience);
  bool take_more(Arch& arch, Vm& vm, const Drain& drain);
  bool run_front(Arch& arch, DlhQueue& queue, Drain& drain, Patience patience);
  std::int64_t run_one(Arch& arch, Vm& vm, const abi::Notification& call, Ran& ran);
  void publish_completed(Arch& arch, Vm& vm, Ran ran);
  void publish_status(Arch& arch, Vm& vm, std::uint32_t completion, abi::Status status);
  void complete(Arch& arch, Vm& vm, std::uint32_t completion, bool good);
  void note(Arch& arch, Vm& vm, std::uint64_t& counter, DeliveryEvent event, std::uint64_t amount);
  void note_depth(Arch& arch, Vm& vm, std::uint64_t depth);

  // queues in guest memory (rings.cpp)
  static unsigned ring_count(const Vm& vm);
  bool something_waits(Arch& arch, Vm& vm);
  std::uint64_t ring_pending(Arch& arch, Vm& vm, unsigned ring);
  void publish_ring(Arch& arch, Vm& vm, unsigned ring);
  std::uint64_t take_from_ring(Arch& arch, Vm& vm, unsigned ring, std::uint64_t most);
  bool take_from_rings(Arch& arch, Vm& vm);
  static void refuse(abi::Notification& call);

  // hypercalls (hypercalls.cpp)
  struct Answer {
    std::int64_t error = abi::kSuccess;
    std::uint64_t value = 0;
    Verdict verdict = Verdict::resume;
  };
  Verdict environment_call(Arch& arch, Vcpu& vcpu);
  Answer hypercall(Arch& arch, Vcpu& vcpu, Vm& vm, std::uint64_t number);
  Answer synchronous(Arch& arch, Vcpu& vcpu, Vm& vm, abi::Hypercall call);
  Answer deferrable(Arch& arch, Vcpu& vcpu, Vm& vm, abi::Hypercall call);
  Answer notify(Arch& arch, Vcpu& vcpu, Vm& vm, Gpa list, std::uint64_t count);
  Answer kick(Arch& arch, Vcpu& vcpu, Vm& vm);
  bool look_at_kick(Arch& arch, const Vcpu& vcpu, Vm& vm);
  Answer reject(Vm& vm, std::int64_t error, std::uint64_t value = 0);

  // what deferrable calls do (deferrable_calls.cpp, page_hints.cpp)
  static bool may_be_deferred(const Vm& vm, const abi::Notification& entry);
  std::int64_t run_deferrable(Arch& arch, Vm& vm, const abi::Notification& call);
  std::int64_t deferred_fence(Arch& arch, Vm& vm, std::uint64_t vcpus, std::uint64_t what);
  std::int64_t dirty_log_update(Vm& vm, Gpa at, std::uint64_t pages);
  std::int64_t page_hint(Arch& arch, Vm& vm, abi::Hypercall call, Gpa at, std::uint64_t order);
  std::int64_t ask_to_share(Arch& arch, Vm& vm, Gpa at, std::uint64_t pages);
  std::int64_t send_event(Arch& arch, std::uint64_t target, std::uint64_t event);
  std::uint64_t routine(Arch& arch, std::uint64_t iterations);
  void raise_software_interrupt(Arch& arch, Vcpu& vcpu);

  // SBI for guests (virtual_sbi.cpp)
  Answer sbi(Arch& arch, Vcpu& vcpu, Vm& vm, std::uint64_t extension, std::uint64_t function);
  Answer sbi_base(std::uint64_t function, std::uint64_t argument) const;
  Answer sbi_hart_state(Arch& arch, Vcpu& vcpu, Vm& vm, std::uint64_t function);
  Answer sbi_hart_suspend(Vcpu& vcpu, std::uint64_t type);
  Answer sbi_remote_fence(Arch& arch, Vm& vm, std::uint64_t function, std::uint64_t mask, std::uint64_t base);
  void fence_vcpus(Arch& arch, Vm& vm, std::uint64_t mask, bool instructions);
  Answer sbi_send_ipi(Arch& arch, Vm& vm, std::uint64_t mask, std::uint64_t base);
  Answer sbi_debug_console(Arch& arch, Vcpu& vcpu, Vm& vm, std::uint64_t function);
  void set_virtual_timer(Arch& arch, Vcpu& vcpu, std::uint64_t deadline);

  Vm& vm_of(const Vcpu& vcpu) { return vms_[vcpu.vm]; }
  Hart& here(Arch& arch) { return harts_[arch.hart()]; }
  std::uint64_t ticks_of_us(std::uint64_t microseconds) const {
    return microseconds * timebase_hz_ / 1'000'000;
  }

  Settings settings_{};
  std::uint64_t timebase_hz_ = 10'000'000;
  std::uint64_t all_harts_ = 0;
  bool machine_sstc_ = false;
  bool vmids_suffice_ = true;
  bool entries_drain_ = false;
  unsigned vm_count_ = 0;
  unsigned vcpu_count_ = 0;
  std::uint32_t vms_off_ = 0;        // atomic
  std::uint32_t first_failure_ = 0;  // atomic: exit code

  PagePool pool_;
  GuestFrames frames_;
  MapScanner map_scanner_;
  ContentScanner content_scanner_;
  std::array<Introspection, kMaxVms> introspections_;
  struct Due {  // ticks at which the scan hart does what; kNever: not with this policy
    std::uint64_t map = kNever, content = kNever, sample = kNever, check = kNever;
    std::uint64_t other = kNever;  // policies
    std::uint64_t round = 0;       // when the round over all maps began
  } due_;
  unsigned scan_hart_ = 0;
  unsigned next_switch_ = 0;        // of the plan
  std::uint64_t booted_ = 0;        // ticks
  std::uint64_t pool_pages_ = 0;    // for VMs and tables, at boot
  std::uint32_t starving_ = 0;      // atomic: VCPUs that wait for a frame
  std::uint32_t vain_periods_ = 0;  // in a row in which all that could run waited for a frame
  std::uint64_t scans_ = 0;         // steps so far, for audits
  Scheduler scheduler_;
  std::array<Vm, kMaxVms> vms_;
  std::array<Vcpu, kMaxVcpus> vcpus_;
  std::array<Hart, kMaxHarts> harts_;
  std::array<DlhQueue, kMaxHarts> hart_queues_;  // of delivery `softirq`
};

// State is data: a checkpoint may copy it, byte for byte.
static_assert(std::is_trivially_copyable_v<Hypervisor>);

}  // namespace hv
