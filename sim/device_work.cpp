// From one piece of a device's work to the next.
#include "sim/device_work.h"

namespace hvsim::sim {

DeviceWork::DeviceWork(device::Worker& worker, const DevicePace& pace, Agenda& agenda, Clock now)
    : worker_(worker), pace_(pace), agenda_(agenda), now_(std::move(now)) {
  entry_ = agenda_.add([this] { done(); });
}

void DeviceWork::available() {
  if (!busy_) start();
}

void DeviceWork::start() {
  const auto bytes = worker_.begin();
  busy_ = bytes.has_value();
  if (!busy_) return;
  const isa::Cycles moving = *bytes * pace_.clock_mhz / pace_.bytes_per_us;
  agenda_.arm(entry_, now_() + pace_.latency + moving);
}

void DeviceWork::done() {
  worker_.finish();
  start();
}

}  // namespace hvsim::sim
