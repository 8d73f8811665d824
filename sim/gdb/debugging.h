// All that a debugged run has beside a plain one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "hypervisor/inspection.h"
#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/debugger.h"
#include "sim/gdb/left_guests.h"
#include "sim/gdb/session.h"
#include "sim/gdb/vcpus.h"

namespace hvsim::gdb {

class Debugging {
 public:
  // `next`: another observer, or null.
  explicit Debugging(cpu::Observer* next) : left_(next) {}

  cpu::Observer* observer() { return &left_; }  // for the machine
  // Listens. `host_inspection`: of a hypervisor that runs on the host. An error is one line.
  std::string start(sim::Machine& machine, const sim::Config& config, const sim::ImagePaths& images,
                    std::function<hv::Inspection()> host_inspection, const sim::DebugOptions& options);
  Session* session() { return session_.get(); }

 private:
  LeftGuests left_;
  std::optional<Vcpus> vcpus_;
  std::unique_ptr<Target> target_;
  std::unique_ptr<Pace> pace_;
  std::unique_ptr<Session> session_;
};

}  // namespace hvsim::gdb
