// A debugging session: holds the machine while GDB thinks, lets it go as GDB says.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/debugger.h"
#include "sim/gdb/connection.h"
#include "sim/gdb/pace.h"
#include "sim/gdb/packet.h"
#include "sim/gdb/server.h"
#include "sim/gdb/target.h"

namespace hvsim::gdb {

// The machine waits for a debugger where the view begins. When one detaches or its connection is lost, points
// are removed, the run goes on, and another may attach. "kill" ends the run, whose result is written.
class Session final : public sim::Debugger {
 public:
  Session(sim::Machine& machine, Listener listener, Target& target, Pace& pace);

  // sim::Debugger
  Go next(unsigned hart) override;
  void ran(unsigned hart, cpu::Stop why) override;
  bool nothing_moves() override;
  bool ended() const override { return killed_; }

  bool disturbed() const override { return target_.disturbed(); }
  void over(const sim::RunResult& result) override;

 private:
  void hold(const StopReport& report);  // until GDB lets the machine go
  void attach();                        // waits for a debugger
  std::optional<Verdict> talk();        // until a packet ends the stop
  void release();                       // as after detaching
  bool interrupted();
  void send(const std::string& text);

  sim::Machine& machine_;
  Listener listener_;
  Target& target_;
  Pace& pace_;
  std::unique_ptr<Connection> connection_;
  PacketReader reader_;
  Server server_;
  std::string last_sent_;
  bool started_ = false;
  bool running_ = false;  // GDB waits for a stop reply
  bool killed_ = false;
  unsigned asked_ = 0;
};

}  // namespace hvsim::gdb
