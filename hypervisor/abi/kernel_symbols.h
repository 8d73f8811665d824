// Where a Linux kernel's symbols are, as its System.map says: what introspection wants of them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace hv::abi {

// Addresses as the kernel is linked. In a bundle: 64-bit numbers in the order of kKernelSymbolNames.
enum KernelSymbol : unsigned { kernel_start, linux_banner, mem_section, node_data, swapper_pg_dir };
inline constexpr std::array<std::string_view, 5> kKernelSymbolNames{"_start", "linux_banner", "mem_section",
                                                                    "node_data", "swapper_pg_dir"};
using KernelSymbols = std::array<std::uint64_t, kKernelSymbolNames.size()>;

}  // namespace hv::abi
