// Known differences in what programs leave in memory: data, and A and D bits of page tables.
#include "models/cpu/isa/paging.h"
#include "tests/isa/known_differences.h"

namespace hvsim::oracle {
namespace {

constexpr std::uint64_t kUpdated = isa::pte::a | isa::pte::d;

bool reserved_napot(std::uint64_t entry) {
  return (entry >> isa::pte::ppn_shift & isa::pte::napot_mask) != isa::pte::napot_64k;
}

// A misaligned store whose second page lets nothing be written: the bytes before the end of the first.
bool first_part_of_store(const MemoryField& field) {
  const bool data = field.offset >= ORACLE_DATA_PAGE && field.offset < ORACLE_TABLE_PAGE;
  if (!data || field.program.aligned || !field.program.faults_anywhere || field.offset % 4096 != 4088)
    return false;
  const std::uint64_t differing = field.qemu_value ^ field.model_value;
  return differing >> 56 != 0 && (differing & 0xFF) == 0;  // not all eight, and the last among them
}

}  // namespace

const char* explanation(const MemoryField& field) {
  if (first_part_of_store(field))
    return "QEMU has stored the first part of a misaligned store when the second page turns out to be none "
           "(unprivileged manual, RVWMO, \"Memory Model Primitives\": parts in any order)";
  const bool table = field.offset >= ORACLE_TABLE_PAGE && field.offset < ORACLE_SLOT_BYTES;
  if (table && (field.model_value & isa::pte::n) != 0 &&
      (field.qemu_value & ~kUpdated) == (field.model_value & ~kUpdated))
    return reserved_napot(field.model_value) ? "QEMU sets A and D of a PTE before it finds that its NAPOT "
                                               "size is reserved (\"Svnapot\": page fault)"
                                             : "A and D may be set in any PTE of a NAPOT range "
                                               "(\"Svnapot\"); with a TLB, it is the first that is walked";
  if (table && field.program.cache_blocks && field.qemu_value == (field.model_value | isa::pte::d))
    return "QEMU sets D when cbo.clean, flush or inval may not load what they may translate (Zicbom, "
           "\"Traps\": as loads "
           "where translation lets these through)";
  if (!table || !field.program.amos) return nullptr;
  if (field.qemu_value == (field.model_value | isa::pte::a))
    return "QEMU sets A of a page that an AMO may read, but not write (\"Addressing and Memory Protection\": "
           "A "
           "may be set by speculation)";
  if (field.model_value == (field.qemu_value | isa::pte::d))
    return "QEMU does not set D at the VS-stage when the G-stage refuses the read of an AMO (\"Virtual "
           "Address "
           "Translation Process\": D is set before the G-stage is asked)";
  return nullptr;
}

}  // namespace hvsim::oracle
