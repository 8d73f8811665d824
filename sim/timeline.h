// What harts and VCPUs did when, from the marks of the hypervisor, as a timeline to look at: exits and phases
// on a track per hart, states and exits on a track per VCPU, queues and memory as counters. Changes nothing.
#pragma once

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/cpu/accountant.h"
#include "models/cpu/isa/mark.h"
#include "sim/config.h"
#include "sim/timeline_writer.h"

namespace hvsim::sim {

class Timeline {
 public:
  using File = std::shared_ptr<std::FILE>;

  // Null if the config does not ask for one. An error is one line.
  static isa::Result<std::unique_ptr<Timeline>, std::string> make(const Config& config);

  // `exit_began`: when the hart last left a guest.
  void marked(unsigned hart, isa::Cycles now, const cpu::CellKey& who, isa::MarkKind kind,
              std::uint64_t value, isa::Cycles exit_began);
  // The whole document, read from its beginning; null if it could not be written. What still goes on ends
  // where it was last heard of.
  File finish(isa::Cycles end);
  // In a copy of the process that it was made in, whose file both would write to. False: there is no room.
  bool take_own_file();

 private:
  using Track = TimelineWriter::Track;
  using VcpuKey = std::pair<std::uint32_t, std::uint32_t>;  // VM and number
  struct PhaseSlice {
    isa::HypervisorPhase phase{};
    isa::Cycles begin = 0, end = 0;
  };
  // What a hart is in the middle of, outside guests.
  struct HartTime {
    isa::HypervisorPhase phase = isa::HypervisorPhase::none;
    isa::Cycles phase_began = 0;
    bool grouped = false;  // an exit, or the way back from idling: its phases are drawn inside it
    isa::Cycles began = 0;
    cpu::CellKey owner{};
    std::vector<PhaseSlice> phases;
  };
  struct VcpuTime {
    bool state_drawn = false;
    std::optional<isa::Cycles> exit_began;
    std::string exit;
  };

  Timeline(const Config& config, File file);
  void phase_changed(unsigned hart, isa::Cycles now, const cpu::CellKey& who, isa::HypervisorPhase phase,
                     isa::Cycles exit_began);
  void given_to(unsigned hart, isa::Cycles now, const cpu::CellKey& who);
  void open_group(HartTime& hart, isa::Cycles began, const cpu::CellKey& who);
  void begin_exit(isa::Cycles now, const cpu::CellKey& who);
  void close_group(unsigned hart, isa::Cycles now);
  void close_exit(VcpuKey vcpu, isa::Cycles now);
  void activity_changed(unsigned hart, isa::Cycles now, std::uint64_t value);
  void delivered(isa::Cycles now, std::uint64_t value);
  void drained(isa::Cycles now);
  void counted(isa::Cycles now, std::uint64_t value);
  static Track track_of(unsigned hart) { return {1, hart + 1}; }
  static Track track_of(VcpuKey vcpu) { return {process_of(vcpu.first), vcpu.second + 1}; }
  static unsigned process_of(std::uint32_t vm) { return 10 + vm; }

  const Config& config_;
  File file_;
  TimelineWriter writer_;
  std::vector<HartTime> harts_;
  std::map<VcpuKey, VcpuTime> vcpus_;
  struct Queue {
    std::uint64_t waiting = 0, drawn = 0;
  };
  std::map<std::uint32_t, Queue> queues_;                                  // by VM
  std::map<std::uint32_t, std::map<std::uint8_t, std::uint64_t>> memory_;  // counters by VM
};

}  // namespace hvsim::sim
