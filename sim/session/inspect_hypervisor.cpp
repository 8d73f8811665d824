// What our hypervisor knows of its VMs: VCPUs, and queues of deferrable hypercalls.
#include <array>
#include <cstring>

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/limits.h"
#include "sim/session/inspector.h"

namespace hvsim::session {
namespace {

namespace abi = hv::abi;

constexpr std::array<const char*, 4> kStatusNames{"idle", "queued", "done", "failed"};

std::string call_name(std::uint32_t call) {
  for (const abi::HypercallProperty& entry : abi::kHypercalls)
    if (static_cast<std::uint32_t>(entry.call) == call) return std::string(entry.name);
  return "unknown";
}

// A guest has written it, and not all that it wrote need make sense.
Json call_json(const abi::Notification& call, std::uint64_t ticket) {
  const bool interrupts = (call.completion & abi::kCompletionInterrupt) != 0;
  return {{"ticket", ticket},
          {"call", call.call},
          {"name", call_name(call.call)},
          {"arguments", call.arguments},
          {"slot", abi::completion_slot(call.completion)},
          {"interrupts_vcpu", interrupts ? Json(call.completion >> 16 & 0xFF) : Json()}};
}

}  // namespace

auto Inspector::get_vcpus(const Json&) -> Answer {
  if (auto why = no_vcpus(); !why.empty()) return isa::Failure{why};
  Json all = Json::array();
  for (unsigned id = 0; id < vcpus_->count(); ++id) {
    const auto name = vcpus_->name(id);
    const std::string& vm = config_.vms[name.vm].name;
    Json json = place(vcpus_->state(id), name.vm);
    json["vm"] = vm;
    json["vcpu"] = name.number;
    json["where"] = vcpus_->describe(id, vm);
    const auto hart = vcpus_->running_on(id);
    json["hart"] = hart ? Json(*hart) : Json();
    all.push_back(std::move(json));
  }
  return all;
}

Json Inspector::queue_json(std::uint64_t at, std::optional<std::uint32_t> of_vm) const {
  const hv::Inspection::QueueLayout layout = hypervisor_->inspection().queue;
  const auto capacity = value_at<std::uint32_t>(at + layout.capacity);
  const auto finished = value_at<std::uint64_t>(at + layout.finished);
  const auto appended = value_at<std::uint64_t>(at + layout.appended);
  Json calls = Json::array();
  for (std::uint64_t ticket = finished; ticket < appended && ticket - finished < capacity; ++ticket) {
    const std::uint64_t place = ticket % capacity;
    const auto owner = value_at<std::uint16_t>(at + layout.owners + place * sizeof(std::uint16_t));
    if (of_vm && owner != *of_vm) continue;
    calls.push_back(call_json(
        value_at<abi::Notification>(at + layout.calls + place * sizeof(abi::Notification)), ticket));
  }
  return {{"capacity", capacity},
          {"appended", appended},
          {"finished", finished},
          {"draining", value_at<std::uint8_t>(at + layout.draining) != 0},
          {"calls", std::move(calls)}};
}

// What a guest has appended and the hypervisor has not taken over yet, where `tail` makes sense. The rings
// are where the guest's BootInfo says, in the page before its last one; it may have written other things
// there.
Json Inspector::ring_calls(std::uint32_t vm, std::uint32_t vcpu, const abi::RingIndices& indices) const {
  const auto read = [&](std::uint64_t at, auto value) {
    const std::uint64_t physical = physical_of(vm, at);
    if (const std::uint8_t* there = machine_.memory().host_readable(isa::Hpa{physical}, sizeof value))
      std::memcpy(&value, there, sizeof value);
    return value;
  };
  const std::uint64_t end = abi::kGuestMemoryBase + config_.vms[vm].memory_bytes;
  const auto boot = read(end - 2 * isa::kPageBytes, abi::BootInfo{});
  const std::uint64_t capacity = boot.ring_capacity;
  Json calls = Json::array();
  if (boot.magic != abi::kBootMagic || capacity == 0 || capacity > hv::kMaxQueueCapacity) return calls;
  if (indices.tail - indices.head > capacity) return calls;
  for (std::uint64_t number = indices.head; number != indices.tail; ++number) {
    const std::uint64_t at =
        boot.rings + vcpu * boot.ring_stride + number % capacity * sizeof(abi::RingEntry);
    calls.push_back(call_json(read(at, abi::RingEntry{}).call, number));
  }
  return calls;
}

// Delivery `softirq` has a queue per hart with calls of all VMs; rings are in the guests' memory.
auto Inspector::get_queue(const Json& request) -> Answer {
  const auto vm = this->vm(request);
  if (!vm) return isa::Failure{vm.error()};
  if (auto why = no_vcpus(); !why.empty()) return isa::Failure{why};
  const hv::Inspection seen = hypervisor_->inspection();
  const bool per_hart = config_.hypervisor.delivery == abi::Delivery::softirq;
  Json queues = Json::array();
  if (!per_hart) queues.push_back(queue_json(seen.vm_queues.at(*vm), std::nullopt));
  for (unsigned hart = 0; per_hart && hart < machine_.harts(); ++hart) {
    queues.push_back(queue_json(seen.hart_queues.at(hart), *vm));
    queues.back()["hart"] = hart;
  }
  abi::SharedPage shared{};
  const isa::Hpa page{value_at<std::uint64_t>(seen.vm_shared_pages.at(*vm))};
  if (const std::uint8_t* there = machine_.memory().host_readable(page, sizeof shared))
    std::memcpy(&shared, there, sizeof shared);
  Json rings = Json::array(), status = Json::array();
  for (std::uint32_t vcpu = 0; abi::uses_rings(config_.hypervisor.delivery) && vcpu < config_.vms[*vm].vcpus;
       ++vcpu)
    rings.push_back({{"vcpu", vcpu},
                     {"tail", shared.rings[vcpu].tail},
                     {"head", shared.rings[vcpu].head},
                     {"notify", shared.rings[vcpu].notify},
                     {"calls", ring_calls(*vm, vcpu, shared.rings[vcpu])}});
  for (const std::uint32_t each : shared.status)
    status.push_back(each < kStatusNames.size() ? kStatusNames[each] : std::to_string(each));
  return Json{
      {"delivery", abi::kDeliveryNames[static_cast<std::size_t>(config_.hypervisor.delivery)]},
      {"queues", std::move(queues)},
      {"rings", std::move(rings)},
      {"in_queues_of_harts", per_hart ? Json(value_at<std::uint64_t>(seen.vm_deferred.at(*vm))) : Json()},
      {"completed", value_at<std::uint64_t>(seen.vm_completed.at(*vm))},
      {"status", std::move(status)}};
}

}  // namespace hvsim::session
