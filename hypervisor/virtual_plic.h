// A VM's interrupt controller (RISC-V PLIC specification 1.0): one supervisor context per VCPU.
#pragma once

#include <array>
#include <cstdint>

#include "hypervisor/limits.h"

namespace hv {

class VirtualPlic {
 public:
  static constexpr unsigned kSources = 31;  // 1..31
  static constexpr std::uint64_t kBytes = 0x60'0000;

  void configure(unsigned contexts) { contexts_ = contexts; }

  // Registers are 32 bits wide; what does not exist reads as zero and ignores writes.
  std::uint32_t read(std::uint64_t offset);
  void write(std::uint64_t offset, std::uint32_t value);
  void set_level(unsigned source, bool high);
  bool interrupts(unsigned context) const { return best(context) != 0; }

 private:
  unsigned best(unsigned context) const;  // 0: none above the threshold
  std::uint32_t claim(unsigned context);
  void complete(unsigned context, std::uint32_t source);

  unsigned contexts_ = 0;
  std::uint32_t level_ = 0, pending_ = 0, in_service_ = 0;  // bit per source
  std::array<std::uint8_t, kSources + 1> priority_{};
  std::array<std::uint32_t, kMaxVcpusPerVm> enabled_{};  // bit per source
  std::array<std::uint8_t, kMaxVcpusPerVm> threshold_{};
};

}  // namespace hv
