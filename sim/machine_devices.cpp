// The clock, the virtio slots and what is plugged into them, typists, reset, and the devices' way to memory.
#include "models/device/virtio_block.h"
#include "sim/machine.h"

namespace hvsim::sim {
namespace {

// The first cycle that is not before a time; none within any run's reach.
std::optional<isa::Cycles> cycle_at(std::uint64_t ns, unsigned clock_mhz) {
  constexpr std::uint64_t kReachNs = std::uint64_t{1} << 48;
  if (ns > kReachNs) return std::nullopt;
  return ns / 1000 * clock_mhz + (ns % 1000 * clock_mhz + 999) / 1000;
}

}  // namespace

isa::Result<Machine::Disks, std::string> Machine::open_disks(const DevicesConfig& config) {
  Disks disks;
  for (const BlockConfig& block : config.block) {
    auto disk = device::DiskImage::open(block.file, block.access);
    if (!disk)
      return isa::Failure{"machine.devices.block[" + std::to_string(disks.size()) + "].file: \"" +
                          block.file + "\": " + disk.error()};
    disks.push_back(std::move(disk.value()));
  }
  return disks;
}

isa::Result<Machine::Scripts, std::string> Machine::read_scripts(const MachineConfig& config) {
  auto uart = typing_script(config.console);
  if (!uart) return isa::Failure{"machine.console.input_file: " + uart.error()};
  auto virtio = typing_script(config.devices.console.typed);
  if (!virtio) return isa::Failure{"machine.devices.console.typed.input_file: " + virtio.error()};
  return Scripts{std::move(uart.value()), std::move(virtio.value())};
}

void Machine::plug_htif(isa::Hpa to_host, std::optional<isa::Hpa> from_host) {
  htif_.emplace(to_host, from_host,
                device::HtifWiring{.memory = dma_,
                                   .console = console_,
                                   .finish = [this](device::FinishRequest request) { power_off(request); }});
  for (auto& hart : harts_) hart->set_mailbox(to_host);
}

void Machine::plug_rtc() {
  const unsigned alarm = agenda_.add([this] { rtc_->expire(); });
  const std::uint64_t start_ns = config_.devices.rtc.start_unix_seconds * 1'000'000'000;
  rtc_ = std::make_unique<device::GoldfishRtc>(
      start_ns,
      device::GoldfishRtcWiring{.now_ns = [this] { return device_now_ns(); },
                                .call_at =
                                    [this, alarm](std::optional<std::uint64_t> ns) {
                                      const auto at = ns ? cycle_at(*ns, config_.clock_mhz) : std::nullopt;
                                      at ? agenda_.arm(alarm, *at) : agenda_.disarm(alarm);
                                    }},
      *plic_, map::rtc_interrupt);
  place(map::rtc, device::GoldfishRtc::kBytes, "rtc", *rtc_);
}

void Machine::plug_virtio(Disks disks) {
  const DevicesConfig& devices = config_.devices;
  virtio_.resize(kVirtioSlots);
  for (unsigned slot = 0; slot < kVirtioSlots; ++slot) {
    VirtioSlot& here = virtio_[slot];
    if (slot < disks.size()) {
      const BlockConfig& block = devices.block[slot];
      here.disk = std::move(disks[slot]);
      here.device = std::make_unique<device::VirtioBlock>(*here.disk, block.serial);
      plug(slot, block.latency_us, block.megabytes_per_second);
    } else if (slot == kVirtioSlots - 1 && devices.console.present) {
      here.device = std::make_unique<device::VirtioConsole>([this](std::span<const std::uint8_t> text) {
        virtio_console_.append(text.begin(), text.end());
        for (const std::uint8_t byte : text) virtio_typist_->shown(byte);
      });
      plug(slot, devices.console.latency_us, devices.console.megabytes_per_second);
    } else {
      plug(slot, 0, 1);
    }
  }
}

void Machine::plug(unsigned number, unsigned latency_us, unsigned megabytes_per_second) {
  VirtioSlot& slot = virtio_[number];
  const DevicePace pace{.latency = isa::Cycles{latency_us} * config_.clock_mhz,
                        .bytes_per_us = megabytes_per_second,
                        .clock_mhz = config_.clock_mhz};
  slot.transport = std::make_unique<device::VirtioMmio>(
      slot.device.get(), dma_, *plic_, map::virtio_interrupt + number, [&slot] { slot.work->available(); });
  slot.work = std::make_unique<DeviceWork>(*slot.transport, pace, agenda_, [this] { return device_now(); });
  const std::string name = "virtio" + std::to_string(number);
  place(map::virtio + map::virtio_stride * number, device::VirtioMmio::kBytes, name.c_str(), *slot.transport);
}

void Machine::seat_typists(Scripts scripts) {
  const auto now = [this] { return device_now(); };
  uart_typist_ = std::make_unique<Typist>(std::move(scripts.uart), config_.clock_mhz, agenda_, now,
                                          [this](std::string_view text) { uart_->push(text); });
  virtio_typist_ = std::make_unique<Typist>(std::move(scripts.virtio), config_.clock_mhz, agenda_, now,
                                            [this](std::string_view text) { type_virtio(text); });
}

bool Machine::type_virtio(std::string_view text) {
  VirtioSlot& last = virtio_.back();
  auto* console = dynamic_cast<device::VirtioConsole*>(last.device.get());
  if (console == nullptr) return false;
  console->push(text);
  last.work->available();
  return true;
}

// Memory keeps what it holds, but for what boots; time goes on, but for mtime.
void Machine::reset_if_asked(unsigned hart) {
  if (!reset_asked_) return;
  reset_asked_ = false;
  for (ShellState& shell : shells_) shell = {};
  accessed_by(hart);
  for (auto& each : harts_) reset_hart(*each);
  uart_->reset();
  rtc_->reset();
  for (VirtioSlot& slot : virtio_) slot.transport->reset();
  plic_->reset();  // once their lines are low
  aclint_->reset();
  if (caches_ != nullptr) caches_->flush();
  boot_();
  for (unsigned each = 0; each < harts(); ++each) wake(each);
}

void Machine::reset_hart(cpu::Hart& hart) {
  using Fence = cpu::TranslationFence;
  cpu::HartState& state = hart.hart_state();
  cpu::HartState fresh{};
  fresh.hart_id = state.hart_id;
  fresh.isa_config = state.isa_config;
  fresh.cycle = state.cycle;
  fresh.retired = state.retired;
  fresh.mcycle_offset = state.mcycle_offset;
  fresh.minstret_offset = state.minstret_offset;
  fresh.cycles_per_tick = state.cycles_per_tick;
  fresh.time_offset = state.time_offset;
  state = fresh;
  hart.state_changed();
  for (const auto kind : {Fence::Kind::sfence_vma, Fence::Kind::hfence_gvma})
    hart.fence({.kind = kind, .virtualized = false, .address = {}, .space = {}});
  hart.code_changed();
}

// Devices act at the time of the hart that asks them, or of their own appointment.
isa::Cycles Machine::device_now() const {
  return agenda_.acting().value_or(harts_[accessing_hart_]->hart_state().cycle);
}

std::uint64_t Machine::device_now_ns() const {
  const isa::Cycles now = device_now();
  return now / config_.clock_mhz * 1000 + now % config_.clock_mhz * 1000 / config_.clock_mhz;
}

bool Machine::Dma::read(isa::Hpa from, std::span<std::uint8_t> to) {
  if (!is_ram(from, to.size())) return false;
  if (machine.caches_ != nullptr) machine.caches_->device_read(from, to.size());
  return machine.memory_.copy_out(from, to);
}

bool Machine::Dma::write(isa::Hpa to, std::span<const std::uint8_t> from) {
  if (!is_ram(to, from.size())) return false;
  if (machine.caches_ != nullptr) machine.caches_->device_write(to, from.size());
  for (auto& hart : machine.harts_) {
    hart->code_changed();
    cpu::Reservation& held = hart->hart_state().reservation;  // lost by a write to it, whatever the value
    if (held.set.value < to.value + from.size() && to.value < held.set.value + cpu::Reservation::kSetBytes)
      held.valid = false;
  }
  return machine.memory_.copy_in(to, from);
}

bool Machine::Dma::is_ram(isa::Hpa address, std::uint64_t bytes) const {
  return machine.memory_.is_ram(address, bytes);
}

}  // namespace hvsim::sim
