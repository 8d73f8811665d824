// Next-line and stride prefetching.
#include "models/mem/prefetcher.h"

#include <algorithm>
#include <bit>

#include "models/cpu/isa/types.h"

namespace hvsim::mem {

Prefetcher::Prefetcher(Prefetch kind, unsigned degree, unsigned line_bytes)
    : kind_(kind),
      degree_(degree),
      page_shift_(static_cast<unsigned>(isa::kPageShift) -
                  static_cast<unsigned>(std::countr_zero(line_bytes))) {}

std::span<const std::uint64_t> Prefetcher::after(std::uint64_t line) {
  lines_.clear();
  if (kind_ == Prefetch::next_line) propose(line, 1);
  if (kind_ == Prefetch::stride) follow(line);
  return lines_;
}

void Prefetcher::propose(std::uint64_t line, std::int64_t stride) {
  for (unsigned i = 1; i <= degree_; ++i) {
    const std::uint64_t next = line + static_cast<std::uint64_t>(stride * static_cast<std::int64_t>(i));
    if (next >> page_shift_ != line >> page_shift_) return;
    lines_.push_back(next);
  }
}

// The same distance twice makes a stream; the page seen longest ago gives its place to a new one.
void Prefetcher::follow(std::uint64_t line) {
  const std::uint64_t page = line >> page_shift_;
  auto found = std::ranges::find(streams_, page, &Stream::page);
  if (found == streams_.end()) {
    found = std::ranges::min_element(streams_, {}, &Stream::used);
    *found = {.page = page, .line = line, .used = ++clock_};
    return;
  }
  const auto stride = static_cast<std::int64_t>(line - found->line);
  if (stride == 0) return;
  found->confirmed = stride == found->stride;
  found->stride = stride;
  found->line = line;
  found->used = ++clock_;
  if (found->confirmed) propose(line, stride);
}

}  // namespace hvsim::mem
