// The machine: memory, harts, caches, interrupt controllers and devices, wired as on `virt`. Plain C++; the
// SystemC shells around it only pass time and transactions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/cpu/hart.h"
#include "models/cpu/observer.h"
#include "models/device/disk.h"
#include "models/device/dma.h"
#include "models/device/goldfish_rtc.h"
#include "models/device/htif.h"
#include "models/device/test_finisher.h"
#include "models/device/uart16550.h"
#include "models/device/virtio_console.h"
#include "models/device/virtio_mmio.h"
#include "models/irq/aclint.h"
#include "models/irq/plic.h"
#include "models/irq/sink.h"
#include "models/mem/bus.h"
#include "models/mem/hierarchy.h"
#include "models/mem/physical_memory.h"
#include "models/state/archive_forward.h"
#include "sim/agenda.h"
#include "sim/board.h"
#include "sim/config.h"
#include "sim/device_work.h"
#include "sim/statistics.h"
#include "sim/turns.h"
#include "sim/typist.h"
#include "sim/work_ledger.h"

namespace hvsim::cpu {
struct InOrder;
}  // namespace hvsim::cpu

namespace hvsim::sim {

// Where a hart's SystemC shell stands between two runs: all that a checkpoint must hold of it.
struct ShellState {
  bool asleep = false;   // in WFI, or the host hypervisor has nothing to run
  bool in_step = false;  // the others have caught up: the device access that the hart stopped at may go ahead
  void persist(state::Archive& archive);
  std::optional<cpu::Stop> stopped{};  // it has run, and nobody has looked yet at why it stopped
};

class Machine {
 public:
  using Console = std::function<void(std::uint8_t)>;

  // Errors are one line about the config. The seed is that of all random replacement.
  static isa::Result<std::unique_ptr<Machine>, std::string> build(const MachineConfig& config,
                                                                  std::uint64_t seed, bool host_hypervisor,
                                                                  Console console,
                                                                  cpu::Observer* observer = nullptr);

  unsigned harts() const { return static_cast<unsigned>(harts_.size()); }
  cpu::Hart& hart(unsigned number) { return *harts_[number]; }
  const cpu::Hart& hart(unsigned number) const { return *harts_[number]; }
  ShellState& shell(unsigned hart) { return shells_[hart]; }
  const ShellState& shell(unsigned hart) const { return shells_[hart]; }
  mem::PhysicalMemory& memory() { return memory_; }
  const mem::Bus& bus() const { return bus_; }
  device::Uart16550& uart() { return *uart_; }
  Agenda& agenda() { return agenda_; }
  Turns& turns() { return turns_; }
  const Agenda& agenda() const { return agenda_; }
  // As FENCE.I does.
  void empty_l1i(unsigned hart) {
    if (caches_ != nullptr) caches_->fence_instruction(hart);
  }
  WorkLedger& work() { return work_; }
  const WorkLedger& work() const { return work_; }
  const MachineConfig& config() const { return config_; }

  // Device accesses of a hart go straight to the bus unless a shell puts itself in between.
  void route_devices(unsigned hart, cpu::DevicePort& through) { ports_[hart]->route = &through; }
  // Whoever performs an access says on whose behalf, so that the CLINT answers with that hart's time.
  void accessed_by(unsigned hart) { accessing_hart_ = hart; }
  // Called when an interrupt line of a hart rises, so that a sleeping shell wakes.
  void on_interrupt(unsigned hart, std::function<void()> wake) { lines_[hart]->wake = std::move(wake); }

  void wake(unsigned hart) { lines_[hart]->changed(); }

  // The image that boots talks to the host through doublewords in RAM.
  void plug_htif(isa::Hpa to_host, std::optional<isa::Hpa> from_host);
  // Between two runs of a hart, which ends soon after it has written there.
  void look_at_htif() {
    if (htif_) htif_->look();
  }

  // Power-off, by the test finisher or the host hypervisor.
  bool finished() const { return finish_.has_value(); }
  const device::FinishRequest& finish() const { return *finish_; }
  void power_off(device::FinishRequest request);
  // Software that resets the machine has it boot again, by this, instead of ending the run.
  void restart_by(std::function<void()> boot) { boot_ = std::move(boot); }
  // Between two quanta of a hart.
  void reset_if_asked(unsigned hart);
  const std::string& virtio_console() const { return virtio_console_; }
  // Between two quanta of a hart. False: there is no such console.
  bool type_virtio(std::string_view text);

  // For checkpoints, in this order; all into a fresh machine, those of models into one of the same config.
  void persist_memory(state::Archive& archive) { memory_.persist(archive); }
  void persist_devices(state::Archive& archive);  // and whose turn it is
  void persist_counts(state::Archive& archive);   // what was counted beside the models
  void persist_caches(state::Archive& archive);

  // Fills the hardware's part of the result.
  void collect(RunResult& result);
  // What collect() tells goes on; what harts and marks tell begins anew at `now`.
  void reset_statistics(isa::Cycles now);

 private:
  // One hart's way to devices.
  struct Port final : cpu::DevicePort {
    Port(Machine& owner, unsigned number) : machine(owner), hart(number) {}
    bool read(isa::Hpa address, unsigned bytes, std::uint64_t& value) override;
    bool write(isa::Hpa address, unsigned bytes, std::uint64_t value) override;
    bool holds(isa::Hpa address) const override { return machine.bus_.find(address) != nullptr; }
    Machine& machine;
    unsigned hart;
    cpu::DevicePort* route = nullptr;
  };
  // One hart's interrupt inputs.
  struct Lines final : irq::Sink {
    explicit Lines(cpu::Hart& driven) : hart(driven) {}
    void set_level(unsigned line, bool high) override;
    void changed();
    cpu::Hart& hart;
    std::function<void()> wake;
  };

  // Devices' direct accesses to memory, coherent with the caches.
  struct Dma final : device::DmaPort {
    explicit Dma(Machine& owner) : machine(owner) {}
    bool read(isa::Hpa from, std::span<std::uint8_t> to) override;
    bool write(isa::Hpa to, std::span<const std::uint8_t> from) override;
    bool is_ram(isa::Hpa address, std::uint64_t bytes) const override;
    Machine& machine;
  };
  // A virtio-mmio slot and what is plugged into it, if anything.
  struct VirtioSlot {
    std::unique_ptr<device::Disk> disk;
    std::unique_ptr<device::VirtioDevice> device;
    std::unique_ptr<device::VirtioMmio> transport;
    std::unique_ptr<DeviceWork> work;
    void persist(state::Archive& archive);
  };
  using Disks = std::vector<std::unique_ptr<device::Disk>>;
  struct Scripts {
    std::vector<TypingStep> uart, virtio;
  };

  Machine(const MachineConfig& config, mem::PhysicalMemory memory, std::unique_ptr<mem::Hierarchy> caches,
          Disks disks, Scripts scripts, std::uint64_t seed, bool host_hypervisor, Console console,
          cpu::Observer* observer);
  static isa::Result<Disks, std::string> open_disks(const DevicesConfig& config);
  static isa::Result<Scripts, std::string> read_scripts(const MachineConfig& config);
  void plug_rtc();
  void plug_virtio(Disks disks);
  void seat_typists(Scripts scripts);
  void reset_hart(cpu::Hart& hart);
  void plug(unsigned slot, unsigned latency_us, unsigned megabytes_per_second);
  isa::Cycles device_now() const;
  std::uint64_t device_now_ns() const;
  std::unique_ptr<cpu::Hart> make_hart(unsigned number, std::uint64_t seed, bool host_hypervisor,
                                       cpu::Observer* observer);
  irq::AclintWiring clint_wiring();
  std::vector<irq::Sink*> sinks();
  void place(isa::Hpa base, std::uint64_t bytes, const char* name, device::RegisterWindow& window);

  MachineConfig config_;
  Console console_;
  mem::PhysicalMemory memory_;
  std::unique_ptr<mem::Hierarchy> caches_;  // none in functional mode
  std::vector<std::unique_ptr<Port>> ports_;
  std::vector<std::unique_ptr<cpu::Hart>> harts_;
  std::vector<ShellState> shells_;
  std::vector<cpu::InOrder*> timings_;  // of timed harts
  std::vector<std::unique_ptr<Lines>> lines_;
  std::unique_ptr<irq::Aclint> aclint_;
  std::unique_ptr<irq::Plic> plic_;
  std::unique_ptr<device::Uart16550> uart_;
  std::unique_ptr<device::TestFinisher> finisher_;
  std::optional<device::Htif> htif_;
  Dma dma_{*this};
  cpu::DeliveryMeter delivery_;
  WorkLedger work_;
  Agenda agenda_;
  Turns turns_;
  std::unique_ptr<device::GoldfishRtc> rtc_;
  std::vector<VirtioSlot> virtio_;
  std::unique_ptr<Typist> uart_typist_, virtio_typist_;
  std::string virtio_console_;
  mem::Bus bus_;
  unsigned accessing_hart_ = 0;
  std::optional<device::FinishRequest> finish_;
  std::function<void()> boot_;
  bool reset_asked_ = false;
};

}  // namespace hvsim::sim
