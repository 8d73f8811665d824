// The virtio slots, what is plugged into them, and the devices' way to memory.
#include "models/device/virtio_block.h"
#include "sim/machine.h"

namespace hvsim::sim {

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

void Machine::plug_virtio(Disks disks) {
  virtio_.resize(kVirtioSlots);
  for (unsigned slot = 0; slot < kVirtioSlots; ++slot) {
    if (slot >= disks.size()) {
      plug(slot, nullptr, {});
      continue;
    }
    const BlockConfig& block = config_.devices.block[slot];
    virtio_[slot].disk = std::move(disks[slot]);
    plug(slot, std::make_unique<device::VirtioBlock>(*virtio_[slot].disk, block.serial),
         {.latency = isa::Cycles{block.latency_us} * config_.clock_mhz,
          .bytes_per_us = block.megabytes_per_second,
          .clock_mhz = config_.clock_mhz});
  }
}

void Machine::plug(unsigned number, std::unique_ptr<device::VirtioDevice> device, const DevicePace& pace) {
  VirtioSlot& slot = virtio_[number];
  slot.device = std::move(device);
  slot.transport = std::make_unique<device::VirtioMmio>(slot.device.get(), dma_, *plic_,
                                                        map::virtio_interrupt + number, [this, &slot] {
                                                          slot.work->available();
                                                          // The hart that asked may have gone on past the
                                                          // appointment otherwise.
                                                          if (!agenda_.acting())
                                                            harts_[accessing_hart_]->stop();
                                                        });
  slot.work = std::make_unique<DeviceWork>(*slot.transport, pace, agenda_, [this] { return device_now(); });
  const std::string name = "virtio" + std::to_string(number);
  place(map::virtio + map::virtio_stride * number, device::VirtioMmio::kBytes, name.c_str(), *slot.transport);
}

// Devices act at the time of the hart that asks them, or of their own appointment.
isa::Cycles Machine::device_now() const {
  return agenda_.acting().value_or(harts_[accessing_hart_]->hart_state().cycle);
}

bool Machine::Dma::read(isa::Hpa from, std::span<std::uint8_t> to) {
  if (!is_ram(from, to.size())) return false;
  if (machine.caches_ != nullptr) machine.caches_->device_read(from, to.size());
  return machine.memory_.copy_out(from, to);
}

bool Machine::Dma::write(isa::Hpa to, std::span<const std::uint8_t> from) {
  if (!is_ram(to, from.size())) return false;
  if (machine.caches_ != nullptr) machine.caches_->device_write(to, from.size());
  return machine.memory_.copy_in(to, from);
}

bool Machine::Dma::is_ram(isa::Hpa address, std::uint64_t bytes) const {
  return machine.memory_.is_ram(address, bytes);
}

}  // namespace hvsim::sim
