// Marks to slices and counters.
#include "sim/timeline.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "hypervisor/sharing/counters.h"
#include "sim/statistics_names.h"

namespace hvsim::sim {
namespace {

using isa::HypervisorPhase;
using isa::VcpuActivity;

constexpr unsigned kDeliveryTrack = 1000;  // of a VM, behind its VCPUs

std::string_view state_name(VcpuActivity activity) {
  switch (activity) {
    case VcpuActivity::ready:
      return "waits for a hart";
    case VcpuActivity::blocked:
      return "waits for an interrupt";
    case VcpuActivity::capped:
      return "cap is used up";
    case VcpuActivity::running:
    case VcpuActivity::off:
    case VcpuActivity::count:
      break;
  }
  return {};
}

// Those that are rare and say that something did not go as usual.
std::string_view event_name(isa::DeliveryEvent event) {
  using Event = isa::DeliveryEvent;
  switch (event) {
    case Event::overflow_drain:
      return "queue full";
    case Event::budget_stop:
      return "budget stop";
    case Event::forced_drain:
      return "forced drain";
    case Event::ring_error:
      return "ring error";
    default:
      return {};
  }
}

std::string arguments_of(const cpu::CellKey& owner, const Config& config) {
  std::string text = "\"vm\":\"";
  return text.append(vm_name(owner.vm, config)).append("\",\"vcpu\":").append(std::to_string(owner.vcpu));
}

Timeline::File temporary() {
  return {std::tmpfile(), [](std::FILE* open) {
            if (open != nullptr) std::fclose(open);
          }};
}

// Outside of exits there is nothing around them.
bool stands_alone(HypervisorPhase phase) {
  return phase == HypervisorPhase::idle || phase == HypervisorPhase::poll;
}

}  // namespace

isa::Result<std::unique_ptr<Timeline>, std::string> Timeline::make(const Config& config) {
  if (!config.observe.timeline) return std::unique_ptr<Timeline>();
  File file = temporary();
  if (file == nullptr)
    return isa::Failure{std::string("observe.timeline: no temporary file: ") + std::strerror(errno)};
  return std::unique_ptr<Timeline>(new Timeline(config, std::move(file)));
}

Timeline::Timeline(const Config& config, File file)
    : config_(config),
      file_(std::move(file)),
      writer_(file_.get(), config.observe.timeline_events, config.machine.clock_mhz),
      harts_(config.machine.harts) {
  writer_.name_process(1, "harts");
  for (unsigned hart = 0; hart < harts_.size(); ++hart)
    writer_.name_track(track_of(hart), "hart " + std::to_string(hart));
  for (std::uint32_t vm = 0; vm < config.vms.size(); ++vm) {
    writer_.name_process(process_of(vm), "VM " + config.vms[vm].name);
    for (unsigned vcpu = 0; vcpu < config.vms[vm].vcpus; ++vcpu)
      writer_.name_track(track_of(VcpuKey{vm, vcpu}), "VCPU " + std::to_string(vcpu));
    writer_.name_track({process_of(vm), kDeliveryTrack}, "deferred calls");
  }
}

void Timeline::marked(unsigned hart, isa::Cycles now, const cpu::CellKey& who, isa::MarkKind kind,
                      std::uint64_t value, isa::Cycles exit_began) {
  switch (kind) {
    case isa::MarkKind::phase:
      if (value < static_cast<std::uint64_t>(HypervisorPhase::count))
        phase_changed(hart, now, who, static_cast<HypervisorPhase>(value), exit_began);
      return;
    case isa::MarkKind::vcpu:
      return given_to(hart, now, who);
    case isa::MarkKind::vcpu_activity:
      return activity_changed(hart, now, value);
    case isa::MarkKind::delivery:
      return delivered(now, value);
    case isa::MarkKind::calls_ran: {
      Queue& queue = queues_[static_cast<std::uint32_t>(value >> 32)];
      queue.waiting -= std::min(queue.waiting, value & 0xFFFF'FFFF);
      return;
    }
    case isa::MarkKind::statistic:
      return counted(now, value);
    default:
      return;
  }
}

void Timeline::phase_changed(unsigned hart, isa::Cycles now, const cpu::CellKey& who, HypervisorPhase phase,
                             isa::Cycles exit_began) {
  HartTime& time = harts_[hart];
  if (phase == time.phase) return;
  if (time.phase != HypervisorPhase::none) {
    if (time.grouped)
      time.phases.push_back({time.phase, time.phase_began, now});
    else
      writer_.slice(track_of(hart), phase_name(time.phase), time.phase_began, now);
    if (time.phase == HypervisorPhase::drain) drained(now);
  }
  const bool left_guest = phase == HypervisorPhase::save;
  if (time.grouped && (phase == HypervisorPhase::none || stands_alone(phase) || left_guest))
    close_group(hart, now);
  const isa::Cycles began = left_guest ? exit_began : now;
  if (!time.grouped && (left_guest || phase == HypervisorPhase::schedule)) open_group(time, began, who);
  time.phase = phase;
  time.phase_began = began;
}

// What the hart does goes on in a slice of its next owner, as in Accountant::given_to(). What it does for
// nobody stands alone, but for the way from there to a VCPU.
void Timeline::given_to(unsigned hart, isa::Cycles now, const cpu::CellKey& who) {
  HartTime& time = harts_[hart];
  if (time.grouped && time.owner.vm == cpu::kNoVm) {
    time.owner = who;
    return begin_exit(now, who);
  }
  if (time.grouped) {
    if (time.phase_began < now) time.phases.push_back({time.phase, time.phase_began, now});
    time.phase_began = now;
    close_group(hart, now);
  }
  if (who.vm != cpu::kNoVm) open_group(time, now, who);
}

void Timeline::open_group(HartTime& hart, isa::Cycles began, const cpu::CellKey& who) {
  hart.grouped = true;
  hart.began = began;
  hart.owner = who;
  if (who.in_exit) begin_exit(began, who);
}

void Timeline::begin_exit(isa::Cycles now, const cpu::CellKey& who) {
  if (who.vm == cpu::kNoVm) return;
  VcpuTime& vcpu = vcpus_[{who.vm, who.vcpu}];
  vcpu.exit_began = now;
  vcpu.exit = exit_name(who.cause);
}

void Timeline::close_group(unsigned hart, isa::Cycles now) {
  HartTime& time = harts_[hart];
  const Track track = track_of(hart);
  const cpu::CellKey& owner = time.owner;
  const bool of_vm = owner.vm != cpu::kNoVm;
  if (of_vm)
    writer_.slice(track, exit_name(owner.in_exit ? owner.cause : cpu::kResumed), time.began, now,
                  arguments_of(owner, config_));
  for (const PhaseSlice& phase : time.phases)
    writer_.slice(track, phase_name(phase.phase), phase.begin, std::min(phase.end, now));
  writer_.passed(track, now);
  time.phases.clear();
  time.grouped = false;
  if (of_vm) close_exit({owner.vm, owner.vcpu}, now);
}

void Timeline::close_exit(VcpuKey key, isa::Cycles now) {
  VcpuTime& vcpu = vcpus_[key];
  if (!vcpu.exit_began) return;
  writer_.slice(track_of(key), vcpu.exit, *vcpu.exit_began, now);
  writer_.passed(track_of(key), now);
  vcpu.exit_began.reset();
}

// An exit during which the VCPU loses its hart is over for it there; for the hart it goes on.
void Timeline::activity_changed(unsigned hart, isa::Cycles now, std::uint64_t value) {
  const VcpuKey key{static_cast<std::uint32_t>(value >> 32) & 0xFF,
                    static_cast<std::uint32_t>(value >> 16) & 0xFFFF};
  const std::uint64_t after = value & 0xFF;
  if (after >= static_cast<std::uint64_t>(VcpuActivity::count)) return;
  close_exit(key, now);
  VcpuTime& vcpu = vcpus_[key];
  if (vcpu.state_drawn) writer_.end(track_of(key), now);
  vcpu.state_drawn = false;
  const auto activity = static_cast<VcpuActivity>(after);
  if (activity == VcpuActivity::off) return;
  vcpu.state_drawn = writer_.begin(track_of(key),
                                   activity == VcpuActivity::running ? "on hart " + std::to_string(hart)
                                                                     : std::string(state_name(activity)),
                                   now);
}

void Timeline::delivered(isa::Cycles now, std::uint64_t value) {
  const auto vm = static_cast<std::uint32_t>(value >> 48);
  const auto event = static_cast<isa::DeliveryEvent>(value >> 32 & 0xFF);
  if (event == isa::DeliveryEvent::depth) {
    queues_[vm].waiting = value & 0xFFFF'FFFF;
    drained(now);
  } else if (const std::string_view name = event_name(event); !name.empty()) {
    writer_.instant({process_of(vm), kDeliveryTrack}, name, now);
  }
}

// Queues whose depth has changed since it was drawn.
void Timeline::drained(isa::Cycles now) {
  for (auto& [vm, queue] : queues_) {
    if (queue.waiting == queue.drawn) continue;
    queue.drawn = queue.waiting;
    std::string calls = "\"calls\":";
    writer_.counter(process_of(vm), "queue depth", now, calls.append(std::to_string(queue.waiting)));
  }
}

// The hypervisor tells all counters of a VM at once, free_pages behind the others that are drawn.
void Timeline::counted(isa::Cycles now, std::uint64_t value) {
  using Counter = hv::SharingCounter;
  const auto vm = static_cast<std::uint32_t>(value >> 48 & 0xFF);
  const auto counter = static_cast<std::uint8_t>(value >> 56);
  if (vm >= config_.vms.size()) return;
  auto& known = memory_[vm];
  known[counter] = value & ((std::uint64_t{1} << 48) - 1);
  if (counter != static_cast<std::uint8_t>(Counter::free_pages)) return;
  std::string values;
  for (const auto& [name, which] :
       {std::pair{"private", Counter::private_pages}, std::pair{"shared", Counter::shared_pages},
        std::pair{"merged", Counter::merged_pages}})
    values.append(values.empty() ? "\"" : ",\"")
        .append(name)
        .append("\":")
        .append(std::to_string(known[static_cast<std::uint8_t>(which)]));
  writer_.counter(process_of(vm), "pages", now, values);
}

Timeline::File Timeline::finish(isa::Cycles end) {
  for (unsigned hart = 0; hart < harts_.size(); ++hart) {
    HartTime& time = harts_[hart];
    if (time.phase == HypervisorPhase::none) continue;
    if (time.grouped)
      close_group(hart, std::max(time.began, time.phase_began));
    else
      writer_.slice(track_of(hart), phase_name(time.phase), time.phase_began, end);
  }
  for (auto& [key, vcpu] : vcpus_) {
    close_exit(key, end);
    if (vcpu.state_drawn) writer_.end(track_of(key), end);
  }
  if (!writer_.finish()) return nullptr;
  std::rewind(file_.get());
  return file_;
}

// By position: the descriptor's own place is the original's too.
bool Timeline::take_own_file() {
  const File own = temporary();
  if (own == nullptr) return false;
  std::vector<char> piece(std::size_t{1} << 20);
  off_t at = 0;
  for (ssize_t count; (count = pread(fileno(file_.get()), piece.data(), piece.size(), at)) > 0; at += count)
    std::fwrite(piece.data(), 1, static_cast<std::size_t>(count), own.get());
  if (std::fflush(own.get()) != 0) return false;
  file_ = own;
  writer_.move_to(file_.get());
  return true;
}

}  // namespace hvsim::sim
