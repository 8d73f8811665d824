// The wiring diagram.
#include "sim/machine.h"

#include <stdexcept>
#include <utility>

#include "models/cpu/engine.h"
#include "models/cpu/isa/cause.h"
#include "models/cpu/timing_detailed.h"
#include "sim/topology.h"

namespace hvsim::sim {

isa::Result<std::unique_ptr<Machine>, std::string> Machine::build(const MachineConfig& config,
                                                                  std::uint64_t seed, bool host_hypervisor,
                                                                  Console console, cpu::Observer* observer) {
  auto memory = mem::PhysicalMemory::create(map::ram, config.memory_bytes);
  if (!memory) return isa::Failure{"machine.memory_bytes: " + memory.error()};
  std::unique_ptr<mem::Hierarchy> caches;
  if (config.mode != TimingMode::functional) {
    auto made = mem::Hierarchy::create(config.caches, config.harts, memory->ram(), seed,
                                       Topology(config).interconnect());
    if (!made) return isa::Failure{"machine.caches: " + made.error()};
    caches = std::move(made.value());
  }
  auto disks = open_disks(config.devices);
  if (!disks) return isa::Failure{disks.error()};
  auto scripts = read_scripts(config);
  if (!scripts) return isa::Failure{scripts.error()};
  return std::unique_ptr<Machine>(new Machine(config, std::move(memory.value()), std::move(caches),
                                              std::move(disks.value()), std::move(scripts.value()), seed,
                                              host_hypervisor, std::move(console), observer));
}

Machine::Machine(const MachineConfig& config, mem::PhysicalMemory memory,
                 std::unique_ptr<mem::Hierarchy> caches, Disks disks, Scripts scripts, std::uint64_t seed,
                 bool host_hypervisor, Console console, cpu::Observer* observer)
    : config_(config),
      console_(std::move(console)),
      memory_(std::move(memory)),
      caches_(std::move(caches)),
      turns_(config.harts) {
  shells_.resize(config.harts);
  for (unsigned number = 0; number < config.harts; ++number) {
    ports_.push_back(std::make_unique<Port>(*this, number));
    harts_.push_back(make_hart(number, seed, host_hypervisor, observer));
    harts_.back()->accountant().report_to(delivery_);
    lines_.push_back(std::make_unique<Lines>(*harts_.back()));
  }
  aclint_ = std::make_unique<irq::Aclint>(clint_wiring());
  plic_ = std::make_unique<irq::Plic>(sinks());
  uart_ = std::make_unique<device::Uart16550>(
      [this](std::uint8_t byte) {
        console_(byte);
        uart_typist_->shown(byte);
      },
      *plic_, map::uart_interrupt);
  finisher_ = std::make_unique<device::TestFinisher>([this](device::FinishRequest r) { power_off(r); });

  if (const auto problem = bus_.reserve(memory_.ram_base(), memory_.ram_bytes(), "RAM"))
    throw std::logic_error(*problem);
  place(map::finisher, device::TestFinisher::kBytes, "test finisher", *finisher_);
  place(map::aclint, irq::Aclint::kBytes, "clint", *aclint_);
  place(map::plic, irq::Plic::kBytes, "plic", *plic_);
  place(map::uart, device::Uart16550::kBytes, "uart", *uart_);
  plug_rtc();
  plug_virtio(std::move(disks));
  seat_typists(std::move(scripts));
  // A hart that makes an appointment for a device may not run past it.
  agenda_.on_change([this] { harts_[accessing_hart_]->stop(); });
}

std::unique_ptr<cpu::Hart> Machine::make_hart(unsigned number, std::uint64_t seed, bool host_hypervisor,
                                              cpu::Observer* observer) {
  const cpu::HartConfig hart{.hart_id = number,
                             .isa = config_.isa,
                             .cycles_per_tick = config_.clock_mhz / kTimebaseMhz,
                             .synchronize_devices = config_.harts > 1,
                             .host_hypervisor = host_hypervisor,
                             .observer = observer};
  cpu::DevicePort& devices = *ports_[number];
  if (caches_ == nullptr)
    return std::make_unique<cpu::Engine<cpu::Untimed>>(hart, memory_, devices, cpu::Untimed{});
  cpu::InOrder in_order(config_.costs, config_.branch_predictor, config_.mmu, *caches_, number, seed,
                        config_.pipeline);
  const auto make = [&](auto timing) -> std::unique_ptr<cpu::Hart> {
    auto timed = std::make_unique<cpu::Engine<decltype(timing)>>(hart, memory_, devices, std::move(timing));
    timings_.push_back(&timed->timing());
    return timed;
  };
  if (config_.mode == TimingMode::detailed) return make(cpu::Detailed(config_.pipeline, std::move(in_order)));
  return make(std::move(in_order));
}

irq::AclintWiring Machine::clint_wiring() {
  return {
      .now = [this] { return harts_[accessing_hart_]->hart_state().time(); },
      .set_mtime =
          [this](std::uint64_t mtime) {
            const std::uint64_t shift = mtime - harts_[accessing_hart_]->hart_state().time();
            for (auto& hart : harts_) {
              hart->hart_state().time_offset += shift;
              hart->interrupts_changed();
            }
          },
      .set_mtimecmp =
          [this](unsigned hart, std::uint64_t value) {
            harts_[hart]->hart_state().mtimecmp = value;
            lines_[hart]->changed();
          },
      .harts = sinks(),
  };
}

std::vector<irq::Sink*> Machine::sinks() {
  std::vector<irq::Sink*> all;
  for (auto& lines : lines_) all.push_back(lines.get());
  return all;
}

void Machine::place(isa::Hpa base, std::uint64_t bytes, const char* name, device::RegisterWindow& window) {
  if (const auto problem = bus_.add(base, bytes, name, window)) throw std::logic_error(*problem);
}

void Machine::power_off(device::FinishRequest request) {
  const bool restarts = request.kind == device::FinishRequest::Kind::reset && boot_;
  if (restarts)
    reset_asked_ = true;
  else if (!finish_)
    finish_ = request;
  for (auto& hart : harts_) hart->stop();
}

bool Machine::Port::read(isa::Hpa address, unsigned bytes, std::uint64_t& value) {
  if (route != nullptr) return route->read(address, bytes, value);
  machine.accessed_by(hart);
  const auto* found = machine.bus_.find(address);
  return found != nullptr && found->window->read(address.value - found->base.value, bytes, value);
}

bool Machine::Port::write(isa::Hpa address, unsigned bytes, std::uint64_t value) {
  if (route != nullptr) return route->write(address, bytes, value);
  machine.accessed_by(hart);
  const auto* found = machine.bus_.find(address);
  return found != nullptr && found->window->write(address.value - found->base.value, bytes, value);
}

void Machine::Lines::set_level(unsigned line, bool high) {
  hart.set_line(static_cast<isa::Interrupt>(line), high);
  changed();
}

void Machine::Lines::changed() {
  hart.interrupts_changed();
  if (wake) wake();
}

void Machine::reset_statistics(isa::Cycles now) {
  for (const auto& hart : harts_) hart->reset_statistics(now);
  delivery_.reset();
  work_.reset();
}

void Machine::collect(RunResult& result) {
  for (unsigned number = 0; number < harts(); ++number) {
    cpu::Hart& hart = *harts_[number];
    hart.settle_statistics();
    HartStats stats;
    stats.hart = number;
    stats.cycles = hart.hart_state().cycle;
    stats.retired = hart.hart_state().retired;
    stats.counters = hart.counters();
    for (const auto& [key, row] : hart.accountant().cells())
      stats.idle_cycles += (*row)[static_cast<unsigned>(cpu::Component::idle)];
    if (caches_ != nullptr) {
      cpu::InOrder& timing = *timings_[number];
      stats.l1i = caches_->l1i_stats(number);
      stats.l1d = caches_->l1d_stats(number);
      stats.l1i_prefetches = caches_->l1i_prefetches(number);
      stats.l1d_prefetches = caches_->l1d_prefetches(number);
      stats.itlb = timing.tlbs.itlb().stats();
      stats.dtlb = timing.tlbs.dtlb().stats();
      stats.l2tlb = timing.tlbs.l2().stats();
      stats.gtlb = timing.tlbs.walk_caches().g_tlb_stats();
      stats.walk_cache_first = timing.tlbs.walk_caches().first_stats();
      stats.walk_cache_g = timing.tlbs.walk_caches().g_stage_stats();
      stats.branches = timing.predictor.stats();
    }
    result.cycles = std::max(result.cycles, stats.cycles);
    result.harts.push_back(stats);
  }
  statistics::WalkStatistics walks;
  for (const auto& hart : harts_) walks.merge(hart->walks());
  result.walks = walk_results(walks);
  for (const VirtioSlot& slot : virtio_)
    if (const auto* block = dynamic_cast<const device::VirtioBlock*>(slot.device.get()))
      result.disks.push_back(block->stats());
  if (caches_ == nullptr) return;
  result.l2 = caches_->l2_stats();
  result.llc = caches_->llc_stats();
  result.coherence = caches_->coherence_stats();
  result.l2_prefetches = caches_->l2_prefetches();
  result.dram = caches_->dram_stats();
  const mem::Interconnect& interconnect = caches_->interconnect();
  for (std::size_t i = 0; i < interconnect.stats().size(); ++i)
    result.links.push_back({interconnect.config().links[i].name, interconnect.stats()[i]});
}

}  // namespace hvsim::sim
