// Looks at a VM's memory map: which pages of a 2 MiB block are free.
#include "hypervisor/sharing/map_reader.h"

#include "hypervisor/abi/memory_map.h"
#include "hypervisor/guest_memory.h"
#include "models/cpu/isa/csr.h"
#include "models/cpu/isa/paging.h"

namespace hv {
namespace {

using hvsim::isa::kPageBytes;

std::uint32_t word(const std::array<std::byte, 64>& entry, std::uint32_t offset) {
  std::uint32_t value = 0;
  __builtin_memcpy(&value, &entry[offset], sizeof value);
  return value;
}

bool fits(std::uint32_t offset, std::uint32_t bytes, std::uint32_t entry_bytes) {
  return offset <= entry_bytes && bytes <= entry_bytes - offset;
}

}  // namespace

std::optional<MapLayout> published_layout(Arch& arch, const Vm& vm) {
  const Gpa at{arch.read_word(vm.shared_page + offsetof(abi::SharedPage, memory_map))};
  abi::MemoryMapDescriptor told{};
  if (at.value == 0 || !copy_from_guest(arch, vm.table, &told, at, sizeof told)) return std::nullopt;
  const bool sane = told.magic == abi::kMemoryMapMagic && told.entry_bytes >= 4 && told.entry_bytes <= 64 &&
                    told.entry_bytes % 4 == 0 && told.entries % 4 == 0 && told.first_page % kPageBytes == 0 &&
                    vm.has_memory(Gpa{told.first_page}) && told.pages <= vm.memory_bytes / kPageBytes &&
                    vm.has_memory(Gpa{told.entries}) && fits(told.state_offset, 4, told.entry_bytes) &&
                    fits(told.order_offset, 4, told.entry_bytes) &&
                    (told.since_offset == abi::kNoSince || fits(told.since_offset, 8, told.entry_bytes));
  if (!sane) return std::nullopt;
  return MapLayout{.root = 0,
                   .entries = told.entries,
                   .first = (told.first_page - abi::kGuestMemoryBase) / kPageBytes,
                   .pages = told.pages,
                   .entry_bytes = told.entry_bytes,
                   .state_offset = told.state_offset,
                   .state_mask = told.state_mask,
                   .state_free = told.state_free,
                   .order_offset = told.order_offset,
                   .order_mask = told.order_mask,
                   .since_offset = told.since_offset,
                   .present = 1};
}

std::optional<Gpa> guest_translate(Arch& arch, const StageTwoTable& table, std::uint64_t satp,
                                   std::uint64_t address) {
  namespace isa = hvsim::isa;
  const auto* scheme =
      isa::find_scheme(isa::kFirstStageSchemes, static_cast<unsigned>(satp >> isa::csr::kAtpModeShift));
  if (scheme == nullptr) return std::nullopt;
  const auto high = static_cast<std::int64_t>(address) >> (scheme->va_bits - 1);
  if (high != 0 && high != -1) return std::nullopt;
  std::uint64_t at = (satp & ((std::uint64_t{1} << 44) - 1)) << isa::kPageShift;
  for (unsigned level = scheme->levels; level-- != 0;) {
    const std::uint64_t index = address >> (isa::kPageShift + 9 * level) & 511;
    std::uint64_t entry = 0;
    if (!copy_from_guest(arch, table, &entry, Gpa{at + 8 * index}, sizeof entry)) return std::nullopt;
    if ((entry & isa::pte::v) == 0) return std::nullopt;
    at = (entry & isa::pte::ppn_mask) >> isa::pte::ppn_shift << isa::kPageShift;
    if ((entry & (isa::pte::r | isa::pte::x)) == 0) continue;
    const std::uint64_t offset = (std::uint64_t{1} << isa::leaf_shift(level, entry)) - 1;
    return Gpa{(at & ~offset) | (address & offset)};
  }
  return std::nullopt;
}

// An entry of up to 64 bytes may cross a page; then it is read in two pieces.
bool MapReader::read_entry(std::uint64_t page) {
  if (page < layout_.first || page - layout_.first >= layout_.pages) return false;
  arch_.charge(Work::map_entry, 1);
  std::uint64_t address = layout_.entries + (page - layout_.first) * layout_.entry_bytes;
  for (std::uint64_t done = 0; done < layout_.entry_bytes;) {
    const std::uint64_t in_page = address % kPageBytes;
    if (address - in_page != cached_page_) {
      Gpa guest{address - in_page};
      if (layout_.root != 0) {
        const auto found = guest_translate(arch_, vm_.table, layout_.root, guest.value);
        if (!found) return false;
        guest = *found;
      }
      const auto mapping = vm_.table.lookup(arch_, guest);
      if (!mapping) return false;
      cached_page_ = address - in_page;
      cached_at_ = mapping->at;
    }
    const std::uint64_t piece = std::min(layout_.entry_bytes - done, kPageBytes - in_page);
    arch_.copy_in(&entry_[done], cached_at_ + in_page, piece);
    done += piece;
    address += piece;
  }
  return true;
}

// Only what makes sense: a run is aligned to its size.
std::optional<MapReader::Run> MapReader::run_at(std::uint64_t page) {
  if (!read_entry(page)) return std::nullopt;
  if ((word(entry_, layout_.state_offset) & layout_.state_mask) != layout_.state_free) return std::nullopt;
  const std::uint32_t order = word(entry_, layout_.order_offset) & layout_.order_mask;
  if (order > kMaxOrder || (page & ((std::uint64_t{1} << order) - 1)) != 0) return std::nullopt;
  Run run{page, std::uint64_t{1} << order, 0};
  if (layout_.since_offset <= 56)
    __builtin_memcpy(&run.since, &entry_[layout_.since_offset], sizeof run.since);
  return run;
}

std::optional<MapReader::Run> MapReader::run_around(std::uint64_t page) {
  for (unsigned order = 10; order <= kMaxOrder; ++order) {
    const std::uint64_t head = page & ~((std::uint64_t{1} << order) - 1);
    if (head == page) continue;
    const auto run = run_at(head);
    if (run && run->pages > page - head) return run;
    if (head == 0) break;
  }
  return std::nullopt;
}

}  // namespace hv
