// What the debugger's view of VCPUs knows, in a line.
#include "sim/gdb/standing.h"

#include <algorithm>
#include <utility>

#include "sim/gdb/hypervisor_memory.h"
#include "sim/gdb/left_guests.h"
#include "sim/gdb/vcpus.h"
#include "sim/image/format.h"
#include "sim/statistics_names.h"

namespace hvsim::gdb {
namespace {

constexpr unsigned kMost = 16;  // of VCPUs in one line

}  // namespace

std::string where_vcpus_stand(sim::Machine& machine, const sim::Config& config, const sim::ImagePaths& images,
                              const sim::Symbols& symbols, std::function<hv::Inspection()> host_inspection) {
  auto memory = find_hypervisor_memory(machine, config, images, std::move(host_inspection));
  if (!memory) return {};
  const LeftGuests nobody(nullptr);  // who is just leaving a hart: nothing moves
  const Vcpus vcpus(machine, nobody, vcpu_names(config), memory->at, memory->inspection);
  if (!vcpus.ready()) return {};
  std::string text;
  for (unsigned id = 0; id < std::min(vcpus.count(), kMost); ++id) {
    const Vcpus::Name name = vcpus.name(id);
    const cpu::HartState state = vcpus.state(id);
    const std::string symbol = symbols.symbol(state.mode, name.vm, state.pc);
    text += "; " + vcpus.describe(id, config.vms[name.vm].name) + ", at pc " + sim::hex(state.pc) +
            (symbol.empty() ? "" : " <" + symbol + ">") + " in " + std::string(sim::mode_name(state.mode)) +
            "-mode";
  }
  if (vcpus.count() > kMost) text += "; and " + std::to_string(vcpus.count() - kMost) + " more VCPUs";
  return text;
}

}  // namespace hvsim::gdb
