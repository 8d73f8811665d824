// The names of CSRs, as in the privileged manual's tables "Currently allocated RISC-V ... CSR addresses".
#pragma once

#include <string>

namespace hvsim::cpu {

// "" for a number that names nothing.
std::string csr_name(unsigned number);

}  // namespace hvsim::cpu
