// Where QEMU 7.2 is known to leave the privileged manual, each with the section.
#pragma once

#include <optional>
#include <string_view>

#include "tests/unit/csr/witness/system_steps.h"

namespace hvsim::cpu::witness {

// The step as a whole cannot be compared (another trap was taken).
std::optional<std::string_view> known_difference(const Step& step, const Outcome& model, const Outcome& qemu);

// One CSR differs after a step that otherwise went the same way.
std::optional<std::string_view> known_difference(const Step& step, unsigned number, std::uint64_t model,
                                                 std::uint64_t qemu);

// x10 differs: what the step's CSR instruction read.
std::optional<std::string_view> known_result_difference(const Step& step, std::uint64_t model,
                                                        std::uint64_t qemu);

}  // namespace hvsim::cpu::witness
