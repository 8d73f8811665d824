// A VM's interrupt controller (RISC-V PLIC specification 1.0): one supervisor context per VCPU.
#include "hypervisor/virtual_plic.h"

namespace hv {
namespace {

// The memory map of the specification.
constexpr std::uint64_t kPendingAt = 0x1000, kEnableAt = 0x2000, kEnableStride = 0x80, kContextAt = 0x20'0000,
                        kContextStride = 0x1000, kThreshold = 0, kClaim = 4;
constexpr std::uint32_t kPriorityMask = 7;
constexpr std::uint32_t kReal = ~1u;  // source 0 does not exist

constexpr std::uint32_t bit(unsigned source) { return 1u << source; }

}  // namespace

// The highest priority wins, the lowest number among equals.
unsigned VirtualPlic::best(unsigned context) const {
  const std::uint32_t candidates = pending_ & enabled_[context];
  unsigned found = 0, highest = threshold_[context];
  for (unsigned source = 1; source <= kSources && candidates >> source != 0; ++source)
    if ((candidates & bit(source)) != 0 && priority_[source] > highest) {
      found = source;
      highest = priority_[source];
    }
  return found;
}

// The gateway forwards a request when none of this source is pending or in service.
void VirtualPlic::set_level(unsigned source, bool high) {
  level_ = high ? level_ | bit(source) : level_ & ~bit(source);
  if (high && (in_service_ & bit(source)) == 0) pending_ |= bit(source);
}

std::uint32_t VirtualPlic::claim(unsigned context) {
  // A context may claim what is pending and enabled even below its threshold.
  const std::uint8_t threshold = threshold_[context];
  threshold_[context] = 0;
  const unsigned source = best(context);
  threshold_[context] = threshold;
  if (source == 0) return 0;
  pending_ &= ~bit(source);
  in_service_ |= bit(source);
  return source;
}

void VirtualPlic::complete(unsigned context, std::uint32_t source) {
  if (source == 0 || source > kSources || (enabled_[context] & bit(source)) == 0) return;
  in_service_ &= ~bit(source);
  pending_ |= level_ & bit(source);
}

std::uint32_t VirtualPlic::read(std::uint64_t offset) {
  if (offset < kPendingAt) return offset / 4 <= kSources ? priority_[offset / 4] : 0;
  if (offset < kEnableAt) return offset == kPendingAt ? pending_ : 0;
  if (offset < kContextAt) {
    const std::uint64_t context = (offset - kEnableAt) / kEnableStride;
    return context < contexts_ && (offset - kEnableAt) % kEnableStride == 0 ? enabled_[context] : 0;
  }
  const std::uint64_t context = (offset - kContextAt) / kContextStride;
  if (context >= contexts_) return 0;
  switch ((offset - kContextAt) % kContextStride) {
    case kThreshold:
      return threshold_[context];
    case kClaim:
      return claim(static_cast<unsigned>(context));
    default:
      return 0;
  }
}

void VirtualPlic::write(std::uint64_t offset, std::uint32_t value) {
  if (offset < kPendingAt) {
    if (offset / 4 >= 1 && offset / 4 <= kSources)
      priority_[offset / 4] = static_cast<std::uint8_t>(value & kPriorityMask);
    return;
  }
  if (offset < kEnableAt) return;
  if (offset < kContextAt) {
    const std::uint64_t context = (offset - kEnableAt) / kEnableStride;
    if (context < contexts_ && (offset - kEnableAt) % kEnableStride == 0) enabled_[context] = value & kReal;
    return;
  }
  const std::uint64_t context = (offset - kContextAt) / kContextStride;
  if (context >= contexts_) return;
  const std::uint64_t reg = (offset - kContextAt) % kContextStride;
  if (reg == kThreshold) threshold_[context] = static_cast<std::uint8_t>(value & kPriorityMask);
  if (reg == kClaim) complete(static_cast<unsigned>(context), value);
}

}  // namespace hv
