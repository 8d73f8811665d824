// What the cache-block management instructions ask of the caches (unprivileged manual, chapter "CMO").
#pragma once

#include <cstdint>

namespace hvsim::isa {

enum class BlockOperation : std::uint8_t { invalidate, clean, flush };

}  // namespace hvsim::isa
