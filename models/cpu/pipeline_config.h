// The structure of an in-order pipeline: what the `detailed` mode keeps track of instruction by instruction.
// Result latencies of the units are in TimingConfig, which the `fast` mode shares.
#pragma once

#include <optional>
#include <string>

#include "models/cpu/isa/types.h"

namespace hvsim::cpu {

// Defaults: CVA6 (cv64a6_imafdch_sv39), from its RTL, but for what its translation fences do beyond their
// operands.
struct PipelineConfig {
  // Front end
  unsigned fetch_bytes = 4;        // aligned, per cycle
  isa::Cycles fetch_to_issue = 4;  // fetch of an instruction's last bytes to its issue, at the earliest
  unsigned fetch_queue = 4;        // instructions fetched and not yet issued
  isa::Cycles resolve = 2;         // issue of a mispredicted branch to the fetch from the right target
  isa::Cycles redirect = 1;  // commit of what flushes the pipeline, or of xRET, to the fetch that follows
  isa::Cycles trap_redirect = 2;    // commit of what traps to the fetch of the handler
  isa::Cycles wrong_path_kill = 3;  // fetches that are later before a redirect start no refill

  // Scoreboard
  unsigned issue_width = 1;         // instructions issued per cycle, in order; one of them may access memory
  unsigned scoreboard_entries = 8;  // instructions issued and not yet committed
  unsigned commit_ports = 2;        // instructions committed per cycle; stores and CSRs use the first alone
  bool csr_reads_rs2 = true;        // CSR instructions wait for the register that their CSR's number names

  // Division: short if the result is plain (|a| < |b|, b = 0), else by the bits that operands differ by.
  isa::Cycles div_short = 3;
  isa::Cycles div_start = 4;
  isa::Cycles fp_div_start = 5;   // beside a cycle per four bits of the quotient
  isa::Cycles fp_div_result = 3;  // from the unit being free to its result

  // Load and store units
  unsigned store_queue = 4;           // stores issued and not yet committed
  unsigned commit_queue = 4;          // stores committed and not yet in the write buffer
  isa::Cycles store_drain = 2;        // commit of a store to its place in the write buffer
  unsigned write_buffer_words = 8;    // 8-byte words, each of which collects stores until it is sent
  unsigned write_transactions = 4;    // words that are being written at a time
  isa::Cycles write_transaction = 4;  // of each, beyond the memory's write latency
  isa::Cycles load_after_miss = 2;    // a missing load's data to the next load's access
  isa::Cycles fetch_walk_saves = 1;   // by which walks for fetches are faster than those for data
  isa::Cycles atomic = 4;             // LR, SC, AMO: beyond the memory's latency, from the head of the queue
  isa::Cycles fence_drained = 0;      // the write buffer's last answer to a fence's commit
  bool fences_take_all = false;       // translation fences empty the TLBs whatever their operands
  isa::Cycles tlb_flush_block = 0;    // cycles after a translation fence in which no walk begins
};

std::optional<std::string> problem(const PipelineConfig& config);

}  // namespace hvsim::cpu
