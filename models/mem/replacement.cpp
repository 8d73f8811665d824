// Replacement policies, each by its textbook.
#include "models/mem/replacement.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace hvsim::mem {

namespace {

bool needs_power_of_two(Replacement policy) {
  return policy == Replacement::plru || policy == Replacement::lfsr8;
}
bool tracks_hits(Replacement policy) {
  return policy == Replacement::lru || policy == Replacement::plru || policy == Replacement::nru;
}

// Galois form, the polynomial of the shift register in CVA6's caches.
constexpr std::uint8_t kShiftRegisterMask = 0xFA;

constexpr unsigned kOrderedWays = 16;

}  // namespace

std::optional<std::string> problem(Replacement policy, unsigned ways) {
  if (needs_power_of_two(policy) && !std::has_single_bit(ways))
    return std::string(policy == Replacement::plru ? "plru" : "lfsr8") +
           " needs a power of two of ways, there are " + std::to_string(ways);
  if (tracks_hits(policy) && ways > 64)
    return "lru, plru and nru keep at most 64 ways, there are " + std::to_string(ways);
  if (policy == Replacement::lfsr8 && ways > 256)
    return "lfsr8 can choose among 256 ways, there are " + std::to_string(ways);
  return std::nullopt;
}

ReplacementState::ReplacementState(Replacement policy, std::uint32_t sets, unsigned ways, std::uint64_t seed)
    : policy_(policy), ways_(ways), minds_hits_(tracks_hits(policy)), random_(seed) {
  if (const auto impossible = problem(policy, ways)) throw std::invalid_argument(*impossible);
  const std::size_t slots = std::size_t{sets} * ways;
  const bool ordered = policy == Replacement::lru && ways <= kOrderedWays;
  if (ordered) orders_.assign(sets, 0);
  if (policy == Replacement::fifo || (policy == Replacement::lru && !ordered)) stamps_.assign(slots, 0);
  if (policy == Replacement::fifo) turns_.assign(sets, kNoTurn);
  if (policy == Replacement::plru || policy == Replacement::nru) bits_.assign(sets, 0);
  if (policy == Replacement::plru || (policy == Replacement::lru && !ordered)) recent_.assign(sets, kNone);
}

// Of a set that was not used yet: the lowest way leaves first.
std::uint64_t ReplacementState::unused_order(unsigned ways) {
  std::uint64_t order = 0;
  for (unsigned way = 0; way < kOrderedWays; ++way) {
    const unsigned place = way < ways ? ways - 1 - way : way;
    order |= std::uint64_t{way} << (4 * place);
  }
  return order;
}

// Of policies without an order.
Ways ReplacementState::note_use(std::uint32_t set, unsigned way) {
  switch (policy_) {
    case Replacement::lru:
      stamps_[std::size_t{set} * ways_ + way] = ++clock_;
      return made_recent(set, way);
    case Replacement::plru:
      return use_tree(set, way);
    case Replacement::nru:
      return use_bits(set, way);
    default:
      return 0;
  }
}

// Only the entry used last can be used again without a change: any other has moved away from the end of the
// order (lru), or has a node pointing at it since (plru).
Ways ReplacementState::made_recent(std::uint32_t set, unsigned way) {
  const std::uint8_t before = recent_[set];
  recent_[set] = static_cast<std::uint8_t>(way);
  return before == kNone || before == way ? 0 : Ways{1} << before;
}

// Each node on the way's path points to the other side.
Ways ReplacementState::use_tree(std::uint32_t set, unsigned way) {
  std::uint64_t& tree = bits_[set];
  for (unsigned node = 1, half = ways_ / 2; half != 0; half /= 2) {
    const unsigned right = (way & half) != 0 ? 1 : 0;
    const std::uint64_t bit = std::uint64_t{1} << node;
    tree = right != 0 ? tree & ~bit : tree | bit;
    node = 2 * node + right;
  }
  return made_recent(set, way);
}

// When every line is marked, the others start anew.
Ways ReplacementState::use_bits(std::uint32_t set, unsigned way) {
  const Ways own = Ways{1} << way, all = ways_ == 64 ? ~Ways{0} : (Ways{1} << ways_) - 1;
  bits_[set] |= own;
  if (bits_[set] != all || ways_ == 1) return 0;
  bits_[set] = own;
  return all & ~own;
}

unsigned ReplacementState::oldest(std::uint32_t set) const {
  if (!orders_.empty()) {
    const std::uint64_t order = orders_[set];
    return order == 0 ? 0 : static_cast<unsigned>(order >> (4 * (ways_ - 1)) & 0xF);
  }
  const auto first = stamps_.begin() + std::ptrdiff_t{set} * ways_;
  return static_cast<unsigned>(std::min_element(first, first + ways_) - first);
}

unsigned ReplacementState::first_in(std::uint32_t set) {
  const unsigned first = oldest(set);
  const std::uint64_t* const stamps = &stamps_[std::size_t{set} * ways_];
  bool in_turn = true;
  for (unsigned i = 1; i < ways_ && in_turn; ++i)
    in_turn = stamps[(first + i - 1) % ways_] < stamps[(first + i) % ways_];
  if (in_turn) turns_[set] = first;
  return first;
}

unsigned ReplacementState::tree_victim(std::uint32_t set) const {
  unsigned node = 1;
  while (node < ways_) node = 2 * node + static_cast<unsigned>(bits_[set] >> node & 1);
  return node - ways_;
}

unsigned ReplacementState::choose(std::uint32_t set) {
  switch (policy_) {
    case Replacement::plru:
      return tree_victim(set);
    case Replacement::nru:
      return ways_ == 1 ? 0 : static_cast<unsigned>(std::countr_one(bits_[set]));
    case Replacement::lfsr8: {
      const unsigned way = shift_register_ & (ways_ - 1);
      const bool out = (shift_register_ & 1) != 0;
      shift_register_ = static_cast<std::uint8_t>(shift_register_ >> 1 ^ (out ? kShiftRegisterMask : 0));
      return way;
    }
    case Replacement::fifo:
      return first_in(set);
    default:
      return oldest(set);
  }
}

}  // namespace hvsim::mem
