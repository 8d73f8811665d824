// Lets a device that works on its own do so at its pace: a latency per piece of work, and time for its bytes.
#pragma once

#include <cstdint>
#include <functional>

#include "models/device/worker.h"
#include "models/state/archive_forward.h"
#include "sim/agenda.h"

namespace hvsim::sim {

struct DevicePace {
  isa::Cycles latency = 0;  // of each piece of work
  std::uint64_t bytes_per_us = 1;
  unsigned clock_mhz = 1;
};

class DeviceWork {
 public:
  using Clock = std::function<isa::Cycles()>;

  DeviceWork(device::Worker& worker, const DevicePace& pace, Agenda& agenda, Clock now);

  // The worker may have something to do. One that is busy finds it by itself.
  void available();
  void persist(state::Archive& archive);

 private:
  void start();
  void done();

  device::Worker& worker_;
  DevicePace pace_;
  Agenda& agenda_;
  Clock now_;
  unsigned entry_;
  bool busy_ = false;
};

}  // namespace hvsim::sim
