// Which view, and where the hypervisor's memory is.
#include "sim/gdb/debugging.h"

#include <utility>

#include "sim/gdb/hart_pace.h"
#include "sim/gdb/hart_target.h"
#include "sim/gdb/hypervisor_memory.h"
#include "sim/gdb/vcpu_pace.h"
#include "sim/gdb/vcpu_target.h"

namespace hvsim::gdb {

std::string Debugging::start(sim::Machine& machine, const sim::Config& config, const sim::ImagePaths& images,
                             std::function<hv::Inspection()> host_inspection,
                             const sim::DebugOptions& options) {
  std::vector<std::string> vms;
  for (const sim::VmConfig& vm : config.vms) vms.push_back(vm.name);
  auto hypervisor = find_hypervisor_memory(machine, config, images, std::move(host_inspection));
  if (hypervisor)
    vcpus_.emplace(machine, left_, vcpu_names(config), std::move(hypervisor.value().at),
                   std::move(hypervisor.value().inspection));
  if (options.view == sim::DebugView::vcpus) {
    if (!hypervisor) return "--gdb-view=vcpus: " + hypervisor.error();
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
