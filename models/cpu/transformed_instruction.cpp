// The standard transformation of faulting loads and stores for htinst and mtinst.
#include "models/cpu/transformed_instruction.h"

#include "models/cpu/compressed.h"

namespace hvsim::cpu {
namespace {

constexpr std::uint32_t kLoad = 0x03, kLoadFp = 0x07, kMiscMem = 0x0F, kStore = 0x23, kStoreFp = 0x27,
                        kAmo = 0x2F, kSystem = 0x73;
constexpr std::uint32_t kRd = 0x1Fu << 7, kFunct3 = 7u << 12, kRs1 = 0x1Fu << 15, kRs2 = 0x1Fu << 20,
                        kOpcode = 0x7F;
constexpr std::uint32_t kCacheBlock = 2u << 12;        // funct3 of CBO.*
constexpr std::uint32_t kHypervisorAccess = 4u << 12;  // funct3 of HLV, HLVX and HSV

// What is kept of the 32-bit encoding; basic loads and stores lose their immediate.
std::uint32_t kept(std::uint32_t instruction) {
  switch (instruction & kOpcode) {
    case kLoad:
    case kLoadFp:
      return instruction & (kFunct3 | kRd | kOpcode);
    case kStore:
    case kStoreFp:
      return instruction & (kRs2 | kFunct3 | kOpcode);
    case kMiscMem:
      return (instruction & kFunct3) == kCacheBlock ? instruction & ~kRs1 : 0;
    case kAmo:
      return instruction & ~kRs1;
    case kSystem:
      return (instruction & kFunct3) == kHypervisorAccess ? instruction & ~kRs1 : 0;
    default:
      return 0;
  }
}

}  // namespace

std::uint32_t transformed_instruction(std::uint32_t instruction, unsigned address_offset) {
  const bool compressed = (instruction & 3) != 3;
  const std::uint32_t full = compressed ? expand(static_cast<std::uint16_t>(instruction)) : instruction;
  const std::uint32_t transformed = kept(full);
  if (transformed == 0) return 0;
  const std::uint32_t with_offset = transformed | (address_offset << 15 & kRs1);
  return compressed ? with_offset & ~2u : with_offset;
}

}  // namespace hvsim::cpu
