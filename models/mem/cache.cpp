// A set-associative cache of tags: geometry checks, lookup and replacement.
#include "models/mem/cache.h"

#include <bit>

namespace hvsim::mem {

std::optional<std::string> problem(const CacheConfig& config) {
  const std::string line = std::to_string(config.line_bytes), ways = std::to_string(config.ways),
                    size = std::to_string(config.size_bytes);
  if (!std::has_single_bit(config.line_bytes) || config.line_bytes < 16 || config.line_bytes > 4096)
    return "line_bytes: " + line + " is not a power of two from 16 to 4096";
  if (config.ways == 0) return "ways: must be at least 1";
  if (config.mshrs == 0) return "mshrs: must be at least 1";
  if (config.prefetch_degree == 0) return "prefetch_degree: must be at least 1";
  constexpr std::uint64_t kLargest = std::uint64_t{1} << 30;
  if (config.size_bytes == 0 || config.size_bytes > kLargest)
    return "size_bytes: " + size + " is not from 1 to " + std::to_string(kLargest);
  const std::uint64_t set_bytes = std::uint64_t{config.ways} * config.line_bytes;
  if (config.size_bytes % set_bytes != 0)
    return "size_bytes: " + size + " is not a multiple of ways x line_bytes (" + ways + " x " + line + ")";
  if (!std::has_single_bit(config.size_bytes / set_bytes))
    return "size_bytes: " + size + " makes " + std::to_string(config.size_bytes / set_bytes) + " sets of " +
           ways + " lines of " + line + " bytes; the number of sets must be a power of two";
  if (auto found = problem(config.replacement, config.ways)) return "replacement: " + *found;
  return std::nullopt;
}

Cache::Cache(const CacheConfig& config, std::uint64_t seed)
    : config_(config),
      set_mask_(config.size_bytes / config.line_bytes / config.ways - 1),
      lines_(config.size_bytes / config.line_bytes, kNoLine),
      slots_(static_cast<std::uint32_t>(lines_.size())),
      replacement_(config.replacement, static_cast<std::uint32_t>(set_mask_ + 1), config.ways, seed) {}

}  // namespace hvsim::mem
