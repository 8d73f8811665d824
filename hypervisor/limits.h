// Sizes of everything that is counted: the hypervisor has no heap, so each table has its bound here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hv {

inline constexpr unsigned kMaxHarts = 64;  // a hart mask is one word
inline constexpr unsigned kMaxVms = 64;
inline constexpr unsigned kMaxVcpusPerVm = 8;
inline constexpr unsigned kMaxVcpus = 256;
inline constexpr unsigned kMaxQueueCapacity = 256;                 // deferrable calls per VM
inline constexpr unsigned kMaxRingPages = kMaxQueueCapacity / 64;  // of one VCPU
inline constexpr std::size_t kMaxNameBytes = 31;                   // of a VM
inline constexpr std::size_t kConsoleLineBytes = 256;              // longer lines are printed in pieces
inline constexpr std::uint64_t kMaxPoolPages = 1u << 20;           // 4 GiB of 4 KiB pages
inline constexpr std::size_t kMaxBootargsBytes = 1023;
inline constexpr std::size_t kMaxSeedBytes = 64;  // of randomness for a guest's kernel
inline constexpr std::uint64_t kMaxTimerSlackMicroseconds = 1'000'000;

using VcpuId = std::uint16_t;
inline constexpr VcpuId kNoVcpu = 0xFFFF;

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};  // a deadline that does not come

}  // namespace hv
