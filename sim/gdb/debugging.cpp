// Which view, and where the hypervisor's memory is.
#include "sim/gdb/debugging.h"

#include <cstring>
#include <utility>

#include "sim/gdb/hart_pace.h"
#include "sim/gdb/hart_target.h"
#include "sim/gdb/vcpu_pace.h"
#include "sim/gdb/vcpu_target.h"
#include "sim/image/elf.h"

namespace hvsim::gdb {
namespace {

constexpr char kInspection[] = "hypervisor_inspection";

std::vector<Vcpus::Name> names_of(const sim::Config& config) {
  std::vector<Vcpus::Name> names;
  for (std::uint32_t vm = 0; vm < config.vms.size(); ++vm)
    for (std::uint32_t number = 0; number < config.vms[vm].vcpus; ++number) names.push_back({vm, number});
  return names;
}

}  // namespace

// On the host its memory is this process's; on target it is RAM, and its image names the place.
std::string Debugging::find_vcpus(sim::Machine& machine, const sim::Config& config,
                                  const sim::ImagePaths& images,
                                  std::function<hv::Inspection()> host_inspection) {
  if (host_inspection) {
    vcpus_.emplace(
        machine, left_, names_of(config),
        [](std::uint64_t address, std::uint64_t) { return reinterpret_cast<std::uint8_t*>(address); },
        std::move(host_inspection));
    return {};
  }
  const auto image = sim::load_elf(images.hypervisor);
  if (!image) return image.error();
  const sim::Symbol* symbol = sim::find_symbol(*image, kInspection);
  if (symbol == nullptr) return images.hypervisor + ": no symbol " + kInspection;
  const auto memory = [&machine](std::uint64_t address, std::uint64_t bytes) {
    return machine.memory().host(isa::Hpa{address}, bytes);
  };
  vcpus_.emplace(machine, left_, names_of(config), memory, [memory, at = symbol->address] {
    hv::Inspection seen{};
    if (const std::uint8_t* there = memory(at, sizeof seen)) std::memcpy(&seen, there, sizeof seen);
    return seen;
  });
  return {};
}

std::string Debugging::start(sim::Machine& machine, const sim::Config& config, const sim::ImagePaths& images,
                             std::function<hv::Inspection()> host_inspection,
                             const sim::DebugOptions& options) {
  std::vector<std::string> vms;
  for (const sim::VmConfig& vm : config.vms) vms.push_back(vm.name);
  const bool ours = config.hypervisor.run != sim::HypervisorRun::none;
  const std::string problem =
      ours ? find_vcpus(machine, config, images, std::move(host_inspection)) : "no hypervisor of ours runs";
  if (options.view == sim::DebugView::vcpus) {
    if (!problem.empty()) return "--gdb-view=vcpus: " + problem;
    auto target = std::make_unique<VcpuTarget>(machine, std::move(vms), *vcpus_);
    pace_ = std::make_unique<VcpuPace>(*target);
    target_ = std::move(target);
  } else {
    auto target = std::make_unique<HartTarget>(machine, std::move(vms), vcpus_ ? &*vcpus_ : nullptr);
    pace_ = std::make_unique<HartPace>(*target);
    target_ = std::move(target);
  }
  auto listener = Listener::open(options.where);
  if (!listener) return listener.error();
  session_ = std::make_unique<Session>(machine, std::move(listener.value()), *target_, *pace_);
  return {};
}

}  // namespace hvsim::gdb
