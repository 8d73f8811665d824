// What the manuals call each CSR.
#pragma once

#include <string>

namespace hvsim::cpu {

// "hstatus"; empty: no CSR of RV64 that this project knows has the number.
std::string csr_name(unsigned number);

}  // namespace hvsim::cpu
