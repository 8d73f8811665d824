// The field lists of what takes time in a hart.
#pragma once

#include <array>
#include <tuple>
#include <utility>

#include "sim/config.h"
#include "sim/config_rules.h"
#include "sim/describe.h"

namespace hvsim::sim {

template <>
struct Named<cpu::BranchPrediction> {
  using E = cpu::BranchPrediction;
  static constexpr std::array choices{std::pair{E::bimodal, "bimodal"}, std::pair{E::gshare, "gshare"}};
};

template <>
struct Described<cpu::BranchPredictorConfig> {
  using T = cpu::BranchPredictorConfig;
  static constexpr auto fields = std::tuple{
      Field{"kind", &T::kind, Unit::none,
            "what finds a branch's counter: bimodal: its pc; gshare: that and what the last branches did"},
      Field{"history_bits", &T::history_bits, Unit::count, "gshare: so many branches", Rule{.max = 20}},
      Field{"bht_entries", &T::bht_entries, Unit::count, "two-bit counters",
            Rule{.min = 1, .max = 1 << 20, .power_of_two = true}},
      Field{"btb_entries", &T::btb_entries, Unit::count, "targets of indirect jumps",
            Rule{.min = 1, .max = 1 << 20, .power_of_two = true}},
      Field{"ras_depth", &T::ras_depth, Unit::count,
            "return addresses; 0: returns are predicted as other indirect jumps", Rule{.max = 1024}},
      Field{"btb_tagged", &T::btb_tagged, Unit::none,
            "false: jumps that share a BTB entry take each other's target"},
      Field{"static_prediction", &T::static_prediction, Unit::none,
            "branches that the BHT does not know yet: backward ones are predicted taken"},
      Field{"flushed_by_traps", &T::flushed_by_traps, Unit::none,
            "every trap and every return from one empties BHT, BTB and return stack"}};
};

template <>
struct Described<cpu::TimingConfig> {
  using T = cpu::TimingConfig;
  static constexpr Rule kResult{.min = 1, .max = 1000};
  static constexpr auto fields = std::tuple{
      Field{"alu", &T::alu, Unit::cycles, "result latency of integer instructions", kResult},
      Field{"mul", &T::mul, Unit::cycles, "result latency of multiplications", kResult},
      Field{"load_use", &T::load_use, Unit::cycles, "wait of an instruction right behind the load it needs",
            kLatency},
      Field{"fp_add", &T::fp_add, Unit::cycles, "result latency of FP addition", kResult},
      Field{"fp_mul", &T::fp_mul, Unit::cycles, "result latency of FP multiplication", kResult},
      Field{"fp_fma", &T::fp_fma, Unit::cycles, "result latency of fused multiply-add", kResult},
      Field{"fp_single_saves", &T::fp_single_saves, Unit::cycles,
            "by which addition, multiplication and FMA of singles are faster", kLatency},
      Field{"fp_convert", &T::fp_convert, Unit::cycles, "result latency of FP conversions", kResult},
      Field{"fp_move", &T::fp_move, Unit::cycles, "result latency of FP moves and comparisons", kResult},
      Field{"taken", &T::taken, Unit::cycles, "bubble of a predicted taken branch or jump", kLatency},
      Field{"fence_i", &T::fence_i, Unit::cycles, "FENCE.I", kLatency},
      Field{"trap_entry", &T::trap_entry, Unit::cycles,
            "trapping instruction to the handler's first, if the pipeline takes no longer", kLatency},
      Field{"trap_return", &T::trap_return, Unit::cycles, "MRET and SRET, if the pipeline takes no longer",
            kLatency},
      Field{"walk_start", &T::walk_start, Unit::cycles, "per page-table walk", kLatency},
      Field{"walk_read", &T::walk_read, Unit::cycles, "per PTE found in the L1 data cache", kLatency},
      Field{"device_access", &T::device_access, Unit::cycles, "load or store outside RAM", kLatency}};
};

template <>
struct Described<cpu::PipelineConfig> {
  using T = cpu::PipelineConfig;
  static constexpr Rule kDepth{.min = 1, .max = 100}, kSize{.min = 1, .max = 64},
      kStores{.min = 1, .max = 16}, kWords{.min = 1, .max = 32};
  static constexpr auto fields = std::tuple{
      Field{"fetch_bytes", &T::fetch_bytes, Unit::bytes, "fetched per cycle, aligned",
            Rule{.min = 4, .max = 64, .power_of_two = true}},
      Field{"issue_width", &T::issue_width, Unit::count,
            "instructions issued per cycle, in order; one of them may access memory",
            Rule{.min = 1, .max = 2}},
      Field{"fetch_to_issue", &T::fetch_to_issue, Unit::cycles,
            "fetch of an instruction's last bytes to its issue, at the earliest", kDepth},
      Field{"fetch_queue", &T::fetch_queue, Unit::count, "instructions fetched and not yet issued", kSize},
      Field{"resolve", &T::resolve, Unit::cycles,
            "issue of a mispredicted branch to the fetch from its right target", kDepth},
      Field{"redirect", &T::redirect, Unit::cycles,
            "commit of what flushes the pipeline, or of xRET, to the fetch that follows", kDepth},
      Field{"trap_redirect", &T::trap_redirect, Unit::cycles,
            "commit of what traps to the fetch of the handler", kDepth},
      Field{"wrong_path_kill", &T::wrong_path_kill, Unit::cycles,
            "fetches on a wrong path that late before its end start no refill", kLatency},
      Field{"scoreboard_entries", &T::scoreboard_entries, Unit::count,
            "instructions issued and not yet committed", kSize},
      Field{"commit_ports", &T::commit_ports, Unit::count, "instructions that may commit in a cycle",
            Rule{.min = 1, .max = 2}},
      Field{"csr_reads_rs2", &T::csr_reads_rs2, Unit::none,
            "CSR instructions wait for the register that the low bits of the CSR's number name"},
      Field{"div_short", &T::div_short, Unit::cycles, "division by zero or by a larger number", kDepth},
      Field{"div_start", &T::div_start, Unit::cycles,
            "other divisions, beside a cycle per bit that the dividend is longer", kDepth},
      Field{"fp_div_start", &T::fp_div_start, Unit::cycles,
            "FP division and square root, beside a cycle per four bits of the result", kDepth},
      Field{"fp_div_result", &T::fp_div_result, Unit::cycles, "from then to the use of the result", kLatency},
      Field{"store_queue", &T::store_queue, Unit::count, "stores issued and not yet committed", kStores},
      Field{"commit_queue", &T::commit_queue, Unit::count, "stores committed and not yet in the write buffer",
            kStores},
      Field{"store_drain", &T::store_drain, Unit::cycles,
            "commit of a store to its place in the write buffer", kLatency},
      Field{"write_buffer_words", &T::write_buffer_words, Unit::count,
            "8-byte words that collect stores until they are sent", kWords},
      Field{"write_transactions", &T::write_transactions, Unit::count, "words on their way at a time",
            kWords},
      Field{"write_transaction", &T::write_transaction, Unit::cycles,
            "of each word sent, beyond the write latency", kLatency},
      Field{"load_after_miss", &T::load_after_miss, Unit::cycles, "data of a miss to the next load's access",
            kLatency},
      Field{"fetch_walk_saves", &T::fetch_walk_saves, Unit::cycles,
            "by which page walks for fetches are faster than those for data", kLatency},
      Field{"atomic", &T::atomic, Unit::cycles, "LR, SC and AMO, beyond the memory's latency", kLatency},
      Field{"fence_drained", &T::fence_drained, Unit::cycles,
            "the write buffer's last answer to a fence's commit", kLatency},
      Field{"fences_take_all", &T::fences_take_all, Unit::none,
            "translation fences empty the TLBs whatever their operands"},
      Field{"tlb_flush_block", &T::tlb_flush_block, Unit::cycles,
            "after a translation fence, in which no walk begins", kLatency}};
};

}  // namespace hvsim::sim
