// The pipeline's rare events: stalls are booked, time passes from outside, dividers look at operands.
#include "models/cpu/pipeline.h"

#include <bit>

namespace hvsim::cpu {

std::optional<std::string> problem(const PipelineConfig& config) {
  const auto outside = [](const char* name, unsigned value, unsigned most) {
    return std::string(name) + ": " + std::to_string(value) + " is not from 1 to " + std::to_string(most);
  };
  if (config.scoreboard_entries == 0 || config.scoreboard_entries > 64)
    return outside("scoreboard_entries", config.scoreboard_entries, 64);
  if (config.fetch_bytes < 4 || !std::has_single_bit(config.fetch_bytes) || config.fetch_bytes > 64)
    return "fetch_bytes: " + std::to_string(config.fetch_bytes) + " is not a power of two from 4 to 64";
  if (config.issue_width == 0 || config.issue_width > 2) return outside("issue_width", config.issue_width, 2);
  if (config.store_queue == 0 || config.store_queue > 16)
    return outside("store_queue", config.store_queue, 16);
  if (config.commit_queue == 0 || config.commit_queue > 16)
    return outside("commit_queue", config.commit_queue, 16);
  if (config.write_buffer_words == 0 || config.write_buffer_words > WriteBuffer::kMax)
    return outside("write_buffer_words", config.write_buffer_words, WriteBuffer::kMax);
  if (config.write_transactions == 0 || config.write_transactions > WriteBuffer::kMax)
    return outside("write_transactions", config.write_transactions, WriteBuffer::kMax);
  return std::nullopt;
}

void Pipeline::pay(Owed& owed, Component cache, Cycles& cycles) {
  const auto draw = [this, &cycles](Cycles& from, Component why) {
    const Cycles part = std::min(from, cycles);
    from -= part;
    cycles -= part;
    (*row_)[static_cast<unsigned>(why)] += part;
  };
  draw(owed.walk_first, Component::walk_first);
  draw(owed.walk_g, Component::walk_g);
  draw(owed.store_buffer, Component::store_buffer);
  draw(owed.cache, cache);
}

void Pipeline::stall(Cycles cycles, bool of_fetch, Component own) {
  booked_ += cycles;
  if (of_fetch) {
    pay(fetch_owed_, Component::icache, cycles);
    fetch_owed_ = {};
    (*row_)[static_cast<unsigned>(fetch_reason_)] += cycles;
    return;
  }
  if (commit_ <= data_until_) pay(data_owed_, Component::dcache, cycles);
  data_owed_ = {};
  (*row_)[static_cast<unsigned>(own)] += cycles;
}

void Pipeline::shift(Cycles cycles) {
  const auto later = [cycles](auto& times) {
    for (Cycles& time : times) time += cycles;
  };
  for (Cycles* time : {&fetch_, &issue_, &commit_, &before_, &alu_free_, &alu_result_, &fp_div_free_,
                       &lsu_taken_, &load_free_, &last_drain_, &walks_from_, &data_until_, &refilled_})
    *time += cycles;
  later(x_ready_);
  later(f_ready_);
  later(slots_);
  later(store_commits_);
  later(store_drains_);
  x_ready_[0] = 0;
  write_buffer_.shift(cycles);
}

namespace divide {
namespace {

// A floating-point number taken apart: an odd integer times a power of two. No host arithmetic on the values:
// that would leave its marks in the host's exception flags.
struct Parts {
  std::uint64_t odd = 0;  // 0: the number is zero, infinite or not a number
  int exponent = 0;
  bool negative = false;
};

Parts parts_of(std::uint64_t bits, unsigned mantissa, unsigned exponent_bits) {
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << mantissa) - 1);
  const auto top = (std::uint64_t{1} << exponent_bits) - 1;
  const std::uint64_t exponent = bits >> mantissa & top;
  if (exponent == top || (exponent == 0 && fraction == 0)) return {};
  const std::uint64_t whole = exponent == 0 ? fraction : fraction | std::uint64_t{1} << mantissa;
  const int zeros = std::countr_zero(whole);
  return {whole >> zeros, static_cast<int>(exponent) - static_cast<int>(mantissa) + zeros,
          (bits >> (mantissa + exponent_bits) & 1) != 0};
}

std::uint64_t integer_root(std::uint64_t square) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = std::uint64_t{1} << 31; bit != 0; bit >>= 1)
    if ((root | bit) * (root | bit) <= square) root |= bit;
  return root;
}

// The result's odd part if it is exact, else 0. Exponents count from the bias, which is odd.
std::uint64_t exact_result(const Parts& a, const Parts& b, bool root) {
  if (!root) return a.odd % b.odd == 0 ? a.odd / b.odd : 0;
  const std::uint64_t square = (a.exponent & 1) != 0 ? a.odd : a.odd * 2;
  const std::uint64_t result = integer_root(square);
  return result * result == square ? result : 0;
}

}  // namespace

isa::Cycles float_cycles(const PipelineConfig& config, std::uint64_t a, std::uint64_t b, bool single,
                         bool root) {
  const unsigned mantissa = single ? 23 : 52, exponent_bits = single ? 8 : 11;
  const Parts of_a = parts_of(a, mantissa, exponent_bits), of_b = parts_of(b, mantissa, exponent_bits);
  if (of_a.odd == 0 || (root ? of_a.negative : of_b.odd == 0)) return config.fp_div_start + 1;
  const unsigned longest = (mantissa + 5) / 4;
  const std::uint64_t exact = exact_result(of_a, of_b, root);
  if (exact == 0) return config.fp_div_start + longest;
  const auto length = static_cast<unsigned>(std::bit_width(exact));
  return config.fp_div_start + std::min(longest, (length + 3) / 4 + 1);
}

}  // namespace divide
}  // namespace hvsim::cpu
