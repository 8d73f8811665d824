// A session: holds the machine while somebody looks at it by commands, lets it go until what they say.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "models/cpu/mark_listener.h"
#include "models/cpu/observer.h"
#include "sim/debugger.h"
#include "sim/gdb/left_guests.h"
#include "sim/machine.h"
#include "sim/session/channel.h"
#include "sim/session/copies.h"
#include "sim/session/inspector.h"
#include "sim/session/stops.h"
#include "sim/statistics.h"
#include "sim/timeline.h"

namespace hvsim::session {

// The machine stands inside of an instruction's announcement or between two turns of harts. Neither moves
// anything: a session that only looks ends with the result of an undisturbed run, bit for bit.
class Session final : public sim::Debugger, public cpu::Observer, public cpu::MarkListener {
 public:
  // `next`: another observer, or null.
  Session(int descriptor, cpu::Observer* next) : channel_(descriptor), next_(next) {}

  cpu::Observer* observer() { return &left_; }  // for the machine
  struct Subject {
    sim::Machine& machine;
    const sim::Config& config;
    const sim::ImagePaths& images;
    const std::string& console;   // what has been printed so far
    cpu::MarkListener& recorder;  // of marks, which go on to it
    sim::Timeline* timeline;      // null: there is none
  };
  // What a session leaves behind. Both are called in a process of their own, and say what went wrong.
  struct Writers {
    // Of what the run comes to if it ends now, into a directory.
    std::function<std::string(const std::string& directory)> result;
    // Of a checkpoint, between two turns; `disturbed`: this is another run than its config's.
    std::function<std::string(const std::string& file, bool disturbed)> checkpoint;
  };
  // Once the machine is built. `host_inspection`: of a hypervisor that runs on the host, else empty. The
  // result is an error, or empty.
  std::string start(const Subject& subject, std::function<hv::Inspection()> host_inspection, Writers writers);

  // sim::Debugger
  Go next(unsigned hart) override;
  void ran(unsigned hart, cpu::Stop why) override;
  void between_turns() override;
  bool nothing_moves() override;
  bool ended() const override { return ended_; }
  bool disturbed() const override { return disturbed_; }
  void over(const sim::RunResult& result) override;

  // cpu::Observer
  void trapped(const cpu::HartState& hart, const cpu::TrapSeen& seen) override;
  bool steps() const override { return next_ != nullptr && next_->steps(); }
  bool begins(const cpu::HartState& hart, const cpu::StepSeen& seen) override;
  void retired(const cpu::HartState& hart) override {
    if (steps()) next_->retired(hart);
  }
  void abandoned(const cpu::HartState& hart) override {
    if (steps()) next_->abandoned(hart);
  }

  // cpu::MarkListener
  bool hears_phases() const override { return recorder_->hears_phases(); }
  void marked(unsigned hart, isa::Cycles now, const cpu::CellKey& who, isa::MarkKind kind,
              std::uint64_t value) override;

 private:
  // While a hart is held inside of a turn, its state says where in its block it is.
  class Present {
   public:
    Present(Session& owner, cpu::HartState& state, const cpu::StepSeen& seen);
    ~Present() {
      undo();
      owner_.present_ = nullptr;
    }
    Present(const Present&) = delete;
    Present& operator=(const Present&) = delete;
    void undo();

   private:
    Session& owner_;
    cpu::HartState& state_;
    std::uint64_t pc_, retired_;
    isa::Cycles cycle_;
  };
  // Where the machine stands while it is held.
  enum class Standing : std::uint8_t { between_turns, inside_turn, over };
  // False: what is asked for needs the hart to leave first, between turns it is done.
  bool hold(Standing standing, const std::optional<StopReport>& report);
  bool handle(const Json& request, Standing standing);  // true: the machine may go on
  Json report_json(const StopReport& report) const;
  void write_result(const Json& request, Standing standing);
  bool write_checkpoint(const Json& request, Standing standing);
  void bookmark(Standing standing);
  void go_back(const Json& request);
  std::string begin_copy();
  void answer(Json content) { channel_.send(Json{{"answer", std::move(content)}}); }
  void fail(const std::string& why) { channel_.send(Json{{"failed", why}}); }
  void observe();
  bool interrupted();

  Channel channel_;
  cpu::Observer* next_;
  gdb::LeftGuests left_{this};
  sim::Machine* machine_ = nullptr;
  cpu::MarkListener* recorder_ = nullptr;
  std::optional<Inspector> inspector_;
  sim::Timeline* timeline_ = nullptr;
  Writers writers_;
  // In a copy that goes on to the next border between two turns, to write a checkpoint there.
  struct Errand {
    int way = -1;
    std::string file;
  };
  std::optional<Errand> errand_;
  Bookmarks bookmarks_;
  std::optional<Stops> stops_;
  cpu::ObservedCode observed_;
  std::optional<Json> pending_;  // to be done where the machine stands next
  bool native_hypervisor_ = false;
  bool started_ = false, running_ = false, ended_ = false, disturbed_ = false;
  Present* present_ = nullptr;
  unsigned asked_ = 0;
};

}  // namespace hvsim::session
