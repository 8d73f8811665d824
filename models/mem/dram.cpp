// Banks with one row open each, and a bus per channel.
#include "models/mem/dram.h"

#include <bit>

namespace hvsim::mem {

std::optional<std::string> problem(const DramConfig& config) {
  const auto power_of_two = [](const char* name, unsigned value) -> std::optional<std::string> {
    if (std::has_single_bit(value)) return std::nullopt;
    return std::string(name) + ": " + std::to_string(value) + " is not a power of two";
  };
  if (auto found = power_of_two("channels", config.channels)) return found;
  if (auto found = power_of_two("banks", config.banks)) return found;
  if (auto found = power_of_two("row_bytes", config.row_bytes)) return found;
  if (config.bytes_per_cycle == 0) return "bytes_per_cycle: must be at least 1";
  return std::nullopt;
}

Dram::Dram(const DramConfig& config, unsigned line_bytes)
    : config_(config),
      line_bytes_(line_bytes),
      transfer_((line_bytes + config.bytes_per_cycle - 1) / config.bytes_per_cycle),
      row_cycle_(config.precharge + config.activate + config.cas + transfer_),
      banks_(std::size_t{config.channels} * config.banks),
      buses_(config.channels, Bandwidth(config.bytes_per_cycle)) {}

// Lines take turns over the channels; in a channel, rows take turns over the banks.
isa::Cycles Dram::access(std::uint64_t address, isa::Cycles at) {
  const std::uint64_t line = address / line_bytes_, channel = line % config_.channels;
  const std::uint64_t in_channel = line / config_.channels * line_bytes_;
  const std::uint64_t row_number = in_channel / config_.row_bytes;
  Bank& bank = banks_[channel * config_.banks + row_number % config_.banks];

  const isa::Cycles arrived = at + config_.controller_latency / 2;
  isa::Cycles start = arrived;
  // A bank that is taken for longer than an access lasts was taken by a hart that runs ahead.
  if (bank.free > arrived && bank.free - arrived <= row_cycle_) start = bank.free;
  const isa::Cycles data = start + open(bank, row_number / config_.banks) + config_.cas;
  const isa::Cycles admitted = buses_[channel].admit(data, line_bytes_);
  bank.free = admitted + transfer_;
  stats_.bank_wait += start - arrived;
  stats_.bus_wait += admitted - data;
  return bank.free + (config_.controller_latency - config_.controller_latency / 2);
}

isa::Cycles Dram::open(Bank& bank, std::uint64_t row) {
  if (bank.row == row) {
    ++stats_.row_hits;
    return 0;
  }
  const bool conflict = bank.row != kNoRow;
  bank.row = row;
  ++(conflict ? stats_.row_conflicts : stats_.row_misses);
  return config_.activate + (conflict ? config_.precharge : 0);
}

}  // namespace hvsim::mem
