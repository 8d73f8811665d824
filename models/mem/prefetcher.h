// Guesses which lines of a 4 KiB page will be wanted after those that were.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "models/mem/cache_config.h"
#include "models/state/archive_forward.h"

namespace hvsim::mem {

class Prefetcher {
 public:
  Prefetcher(Prefetch kind, unsigned degree, unsigned line_bytes);

  bool off() const { return kind_ == Prefetch::off; }
  // The line was missed, or is a prefetched one used for the first time. Valid until the next call; all of
  // the same page.
  std::span<const std::uint64_t> after(std::uint64_t line);
  void persist(state::Archive& archive);

 private:
  // The last line seen of a page, and the distance between the two before.
  struct Stream {
    std::uint64_t page = ~std::uint64_t{0}, line = 0;
    std::int64_t stride = 0;
    bool confirmed = false;
    std::uint64_t used = 0;
    void persist(state::Archive& archive);
  };
  void propose(std::uint64_t line, std::int64_t stride);
  void follow(std::uint64_t line);

  Prefetch kind_;
  unsigned degree_;
  unsigned page_shift_;  // from a line's number to its page's
  std::array<Stream, 16> streams_{};
  std::uint64_t clock_ = 0;
  std::vector<std::uint64_t> lines_;
};

}  // namespace hvsim::mem
