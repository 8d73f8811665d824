// The C extension: every 16-bit encoding as the 32-bit instruction that it stands for.
#pragma once

#include <cstdint>
#include <string_view>

namespace hvsim::cpu {

// The 32-bit encoding; 0, which is illegal, for reserved encodings. HINTs expand to no-ops.
std::uint32_t expand(std::uint16_t half);

// "c.addi4spn" and so on; "illegal" for reserved encodings.
std::string_view compressed_name(std::uint16_t half);

}  // namespace hvsim::cpu
