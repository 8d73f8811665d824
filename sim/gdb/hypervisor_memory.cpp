// Its image names the place.
#include "sim/gdb/hypervisor_memory.h"

#include <cstring>
#include <utility>

#include "sim/image/elf.h"

namespace hvsim::gdb {
namespace {

constexpr char kInspection[] = "hypervisor_inspection";

}  // namespace

isa::Result<HypervisorMemory, std::string> find_hypervisor_memory(
    sim::Machine& machine, const sim::Config& config, const sim::ImagePaths& images,
    std::function<hv::Inspection()> host_inspection) {
  if (config.hypervisor.run == sim::HypervisorRun::none)
    return isa::Failure{std::string("no hypervisor of ours runs")};
  if (host_inspection)
    return HypervisorMemory{
        .at = [](std::uint64_t address, std::uint64_t) { return reinterpret_cast<std::uint8_t*>(address); },
        .inspection = std::move(host_inspection)};
  const auto image = sim::load_elf(images.hypervisor);
  if (!image) return isa::Failure{image.error()};
  const sim::Symbol* symbol = sim::find_symbol(*image, kInspection);
  if (symbol == nullptr) return isa::Failure{images.hypervisor + ": no symbol " + kInspection};
  const auto memory = [&machine](std::uint64_t address, std::uint64_t bytes) {
    return machine.memory().host(isa::Hpa{address}, bytes);
  };
  return HypervisorMemory{.at = memory, .inspection = [memory, at = symbol->address] {
                            hv::Inspection seen{};
                            if (const std::uint8_t* there = memory(at, sizeof seen))
                              std::memcpy(&seen, there, sizeof seen);
                            return seen;
                          }};
}

}  // namespace hvsim::gdb
