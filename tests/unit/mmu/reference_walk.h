// Address translation as the privileged manual tells it, written again for the tests: plain, slow, and
// sharing nothing with the walker of models/mmu.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace hvsim::reference {

enum class Wants : std::uint8_t { fetch, read, write, hlvx };

// The registers and bits that the manual's text speaks of. MODE 0 is Bare, else 8, 9 or 10.
struct Circumstances {
  unsigned first_mode = 0, g_mode = 0;
  std::uint64_t first_ppn = 0, g_ppn = 0;
  bool guest = false;  // V=1, or as though it were
  bool user = false;
  bool sum = false, mxr_of_guest = false, mxr = false;  // `mxr` is HS-level sstatus.MXR
  bool adue_first = false, adue_g = false;
  bool pbmte_first = false, pbmte_g = false;
  bool svnapot = false;
};

struct PteAccess {
  std::uint64_t address, guest_physical, value;  // guest_physical: zero unless a guest's own PTE
  bool g_stage;
  unsigned level;
  bool write;
  friend bool operator==(const PteAccess&, const PteAccess&) = default;
};

// What happened. `step` is that of "Virtual Address Translation Process" at which it ended: 10 is success, 0
// an address that does not fit the scheme, 11 the final access being refused.
struct Outcome {
  unsigned step = 10;
  bool access_fault = false, guest_page_fault = false;
  bool implicit = false, implicit_write = false;
  std::uint64_t faulting_guest_physical = 0;
  std::uint64_t physical = 0, guest_physical = 0;
  std::uint64_t page_bytes = 4096;
  bool global = false;
  std::uint64_t first_leaf_address = 0, g_leaf_address = 0;  // of the PTEs; 0: none
};

class Walk {
 public:
  // The doubleword at a physical address, nullopt where there is no memory. Told whose PTE it is read as.
  using Memory =
      std::function<std::optional<std::uint64_t>(std::uint64_t address, bool g_stage, unsigned level)>;
  // Whether PMP lets a PTE be read or written, in S-mode.
  using Protection = std::function<bool(std::uint64_t address, bool write)>;

  Walk(const Circumstances& circumstances, Memory memory, Protection protection)
      : c_(circumstances), memory_(std::move(memory)), protection_(std::move(protection)) {}

  Outcome translate(std::uint64_t address, Wants wants);
  const std::vector<PteAccess>& accesses() const { return accesses_; }

 private:
  struct Place {
    std::uint64_t address, page_bytes;
  };
  struct Stop {};  // thrown once outcome_ tells why

  Place first_stage(std::uint64_t table, unsigned i, std::uint64_t va, Wants wants);
  Place g_stage(std::uint64_t gpa, Wants wants, bool explicit_access);
  Place g_stage_below(std::uint64_t table, unsigned i, std::uint64_t gpa, Wants wants, bool explicit_access);
  std::uint64_t load(std::uint64_t address, std::uint64_t guest_physical, bool g_stage, unsigned level);
  void store(std::uint64_t address, std::uint64_t guest_physical, std::uint64_t value, bool g_stage,
             unsigned level);
  [[noreturn]] void page_fault(unsigned step);
  [[noreturn]] void guest_page_fault(unsigned step, std::uint64_t gpa, Wants wants, bool explicit_access);
  [[noreturn]] void access_fault(unsigned step);

  Circumstances c_;
  Memory memory_;
  Protection protection_;
  std::vector<PteAccess> accesses_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> written_;
  bool repeating_ = false;  // a G-stage walk done once more for a write: its reads were counted already
  Outcome outcome_;
};

}  // namespace hvsim::reference
