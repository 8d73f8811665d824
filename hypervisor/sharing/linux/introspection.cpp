// Finds the page descriptors of an unmodified Linux guest by itself.
#include "hypervisor/sharing/linux/introspection.h"

#include "hypervisor/abi/hypercall.h"
#include "hypervisor/sharing/map_reader.h"
#include "models/cpu/isa/csr.h"

namespace hv {
namespace {

using hvsim::isa::kPageBytes;
using hvsim::isa::kPageShift;

constexpr std::uint64_t kImageBytesAt = 16;  // in the header of a RISC-V Image
constexpr std::uint64_t kFlags = 63;         // low bits of section_mem_map
constexpr std::uint64_t kPresent = 3;        // SECTION_MARKED_PRESENT, SECTION_HAS_MEM_MAP
constexpr unsigned kTriesToAgree = 6;
constexpr unsigned kTablesToTry = 64;  // that begin like a symbol table; Debian's kernels have one
constexpr std::string_view kUnknownTypes = "its types are not those of a page allocator that is known";

std::uint64_t difference(std::uint64_t a, std::uint64_t b) { return a < b ? b - a : a - b; }

}  // namespace

constinit const std::array<Introspection::WantedMember, 10> Introspection::kMembers{{
    {Btf::page, "page_type", {}, &Offsets::page_type, nullptr},
    {Btf::page, "private", {}, &Offsets::private_, nullptr},
    {Btf::page, "buddy_list", "lru", &Offsets::list, nullptr},
    {Btf::zone, "free_area", {}, &Offsets::free_area, &Offsets::orders},
    {Btf::zone, "zone_start_pfn", {}, &Offsets::start_pfn, nullptr},
    {Btf::zone, "spanned_pages", {}, &Offsets::spanned, nullptr},
    {Btf::free_area, "nr_free", {}, &Offsets::nr_free, nullptr},
    {Btf::free_area, "free_list", {}, &Offsets::free_list, &Offsets::lists},
    {Btf::pglist_data, "node_zones", {}, &Offsets::node_zones, &Offsets::zones},
    {Btf::mem_section, "section_mem_map", {}, &Offsets::section_map, nullptr},
}};

void Introspection::begin(const Vm& vm) {
  *this = {};
  kernel_ = vm.boot.entry;
  given_ = vm.sharing.symbols;
  has_symbols_ = given_.has_value();
}

Introspection::Result Introspection::fail(std::string_view why) {
  why_ = {};
  why_.add(why);
  return Result::failed;
}

Introspection::Result Introspection::decline(std::string_view why) {
  why_ = {};
  why_.add(why);
  return Result::declined;
}

Introspection::Result Introspection::step(Arch& arch, const Vm& vm) {
  GuestWindow memory(arch, vm);
  switch (stage_) {
    case Stage::search:
      return search(memory);
    case Stage::names:
      if (!given_) {
        if (!table_.step(memory, kSymbols)) return Result::more;
        for (unsigned i = 0; i < Kallsyms::wanted_count; ++i)
          if (table_.address(static_cast<Kallsyms::Wanted>(i)) == 0)
            return decline("its symbols lack mem_section, node_data or swapper_pg_dir");
        given_ = {table_.base(), 0, table_.address(Kallsyms::mem_section),
                  table_.address(Kallsyms::node_data), table_.address(Kallsyms::swapper_pg_dir)};
      }
      stage_ = Stage::types;
      return Result::more;
    case Stage::types:
      if (!types_.step(memory, kTypes)) return Result::more;
      return read_sizes(memory);
    case Stage::members:
      return read_members(memory);
    case Stage::zones:
      return read_zones(arch, vm, memory);
    case Stage::verify:
      return verify(arch, vm, memory);
  }
  return Result::failed;
}

// Another kernel's symbols would lead anywhere, so the banner must be where they say.
bool Introspection::symbols_are_of_this_kernel(GuestWindow& memory) const {
  const std::uint64_t base = symbol(abi::kernel_start);
  for (const std::uint64_t address : *given_)
    if (address < base || address - base >= kernel_bytes_) return false;
  std::uint64_t at = kernel_ + (symbol(abi::linux_banner) - base);
  for (const char c : std::string_view{"Linux version "})
    if (memory.byte(at++) != static_cast<std::uint8_t>(c)) return false;
  return true;
}

// Looks for the ten digits of the token table and for the header of the type information.
Introspection::Result Introspection::search(GuestWindow& memory) {
  if (kernel_bytes_ == 0) {
    kernel_bytes_ = memory.value<std::uint64_t>(kernel_ + kImageBytesAt);
    if (kernel_bytes_ < (1u << 20) || kernel_bytes_ > (256u << 20))
      return decline("no Linux image where it was put");
    if (given_ && !symbols_are_of_this_kernel(memory))
      return decline("the symbols in the configuration are those of another kernel");
  }
  if (counting_) {
    const Kallsyms::Progress progress = table_.count(memory, kSymbols);
    if (progress == Kallsyms::Progress::more) return Result::more;
    counting_ = false;
    has_symbols_ = progress == Kallsyms::Progress::yes;
  }
  const std::uint64_t end = std::min(kernel_bytes_, position_ + kSearchBytes);
  for (; position_ < end && !(has_symbols_ && has_types_); position_ += 8) {
    const std::uint64_t at = kernel_ + position_, word = memory.value<std::uint64_t>(at);
    if (word == Btf::kHeader && !has_types_) has_types_ = types_.open(memory, at);
    if (has_symbols_ || !Kallsyms::looks_like_digits(word)) continue;
    const bool shifted = (word & 0xFF) == 0;
    const std::uint64_t digit = (shifted ? word >> 8 : word) & 0xFF;
    position_ += 8;
    if (++tables_tried_ > kTablesToTry) return decline("its image is full of things like a symbol table");
    counting_ = table_.open(memory, at + (shifted ? 1 : 0) - 2 * (digit - '0'));
    return Result::more;
  }
  if (has_symbols_ && has_types_) {
    stage_ = Stage::names;
    return Result::more;
  }
  if (position_ < kernel_bytes_) return Result::more;
  return decline(has_symbols_ ? "its image has no type information (BTF)"
                              : "its image has no symbol table (kallsyms) of a known layout");
}

Introspection::Result Introspection::read_sizes(GuestWindow& memory) {
  if (!types_.complete()) return decline("its types lack page, zone, free_area, pglist_data or mem_section");
  at_.page_bytes = types_.bytes_of(memory, Btf::page);
  at_.zone_bytes = types_.bytes_of(memory, Btf::zone);
  at_.area_bytes = types_.bytes_of(memory, Btf::free_area);
  at_.section_bytes = types_.bytes_of(memory, Btf::mem_section);
  types_.begin_search(memory, kMembers[0].of);
  stage_ = Stage::members;
  return Result::more;
}

// One member after the other, each in as many steps as it takes.
Introspection::Result Introspection::read_members(GuestWindow& memory) {
  const WantedMember& wanted = kMembers[member_];
  switch (types_.search(memory, older_name_ ? wanted.older : wanted.name, kTypes)) {
    case Btf::Search::more:
      return Result::more;
    case Btf::Search::too_long:
      return decline("its types hold each other more often than any kernel's");
    case Btf::Search::missing:
      if (older_name_ || wanted.older.empty()) return decline(kUnknownTypes);
      older_name_ = true;
      types_.begin_search(memory, wanted.of);
      return Result::more;
    case Btf::Search::found:
      break;
  }
  at_.*wanted.offset = types_.member().offset;
  if (wanted.elements != nullptr) at_.*wanted.elements = types_.elements(memory, types_.member().type);
  older_name_ = false;
  if (++member_ == kMembers.size()) return check_types();
  types_.begin_search(memory, kMembers[member_].of);
  return Result::more;
}

Introspection::Result Introspection::check_types() {
  const bool sane = at_.free_list == 0 && at_.page_bytes >= 32 && at_.page_bytes <= 64 &&
                    at_.page_bytes % 8 == 0 && at_.page_type + 4 <= at_.page_bytes &&
                    at_.private_ + 8 <= at_.page_bytes && at_.list + 16 <= at_.page_bytes &&
                    at_.orders >= 4 && at_.orders <= kMaxOrders && at_.lists >= 1 && at_.lists <= 16 &&
                    at_.zones >= 1 && at_.zones <= kMaxZones && at_.section_bytes >= 8 &&
                    at_.section_bytes <= 256;
  if (!sane) return decline(kUnknownTypes);
  stage_ = Stage::zones;
  return Result::more;
}

// The kernel's own table, in whichever scheme translates the image to where it lies.
bool Introspection::find_root(Arch& arch, const Vm& vm) {
  const std::uint64_t table = kernel_ + (symbol(abi::swapper_pg_dir) - symbol(abi::kernel_start));
  for (const std::uint64_t mode : {10u, 9u, 8u}) {
    root_ = mode << hvsim::isa::csr::kAtpModeShift | table >> kPageShift;
    const auto image = guest_translate(arch, vm.table, root_, symbol(abi::kernel_start));
    if (image && image->value == kernel_) return true;
  }
  return false;
}

std::optional<std::uint64_t> Introspection::kernel_word(Arch& arch, const Vm& vm, GuestWindow& memory,
                                                        std::uint64_t at, unsigned bytes) {
  const auto guest = guest_translate(arch, vm.table, root_, at);
  if (!guest || at % bytes != 0 || !vm.has_memory(*guest)) return std::nullopt;
  return bytes == 4 ? memory.value<std::uint32_t>(guest->value) : memory.value<std::uint64_t>(guest->value);
}

// SPARSEMEM_EXTREME: mem_section points to an array of pointers to arrays of sections. With vmemmap all
// sections say the same: where the descriptor of page 0 would be.
std::optional<std::uint64_t> Introspection::find_descriptors(Arch& arch, const Vm& vm, GuestWindow& memory) {
  const auto roots = kernel_word(arch, vm, memory, symbol(abi::mem_section));
  const auto sections = roots ? kernel_word(arch, vm, memory, *roots) : std::nullopt;
  if (!sections || *sections == 0) return std::nullopt;
  std::optional<std::uint64_t> found;
  for (std::uint64_t n = 0; n < kPageBytes / at_.section_bytes; ++n) {
    const auto map = kernel_word(arch, vm, memory, *sections + n * at_.section_bytes + at_.section_map);
    if (!map || (*map & kPresent) != kPresent) continue;
    if (found && *found != (*map & ~kFlags)) return std::nullopt;  // no vmemmap
    found = *map & ~kFlags;
  }
  return found;
}

// `page`: the address of a descriptor that heads a free list, so the page is free and 2^order long.
bool Introspection::learn_from(Arch& arch, const Vm& vm, GuestWindow& memory, std::uint64_t page,
                               unsigned order) {
  if ((page - first_page_) % at_.page_bytes != 0) return false;
  const std::uint64_t pfn = (page - first_page_) / at_.page_bytes;
  if (!vm.has_memory(Gpa{pfn << kPageShift}) || pfn % (std::uint64_t{1} << order) != 0) return false;
  const auto type = kernel_word(arch, vm, memory, page + at_.page_type, 4);
  const auto size = kernel_word(arch, vm, memory, page + at_.private_);
  if (!type || !size || *size != order) return false;
  if (learned_ && free_type_ != *type) return false;
  free_type_ = static_cast<std::uint32_t>(*type);
  learned_ = true;
  // A page without a type has a map count: none of these values may mean "free".
  return free_type_ >> 24 != 0 && free_type_ != ~std::uint32_t{0};
}

bool Introspection::learn_from_lists(Arch& arch, const Vm& vm, GuestWindow& memory, std::uint64_t zone) {
  const auto spanned = kernel_word(arch, vm, memory, zone + at_.spanned);
  if (!spanned) return false;
  if (*spanned == 0) return true;  // its lists were never set up
  for (unsigned order = 0; order < at_.orders; ++order)
    for (std::uint64_t n = 0; n < at_.lists; ++n) {
      const std::uint64_t head = zone + at_.free_area + order * at_.area_bytes + 16 * n;
      const auto next = kernel_word(arch, vm, memory, head);
      if (!next) return false;
      if (*next == head) continue;
      const auto back = kernel_word(arch, vm, memory, *next + 8);
      if (!back || *back != head || !learn_from(arch, vm, memory, *next - at_.list, order)) return false;
    }
  return true;
}

std::optional<std::uint64_t> Introspection::counted_free(Arch& arch, const Vm& vm, GuestWindow& memory) {
  std::uint64_t pages = 0;
  for (unsigned n = 0; n < at_.zones; ++n)
    for (unsigned order = 0; order < at_.orders; ++order) {
      const std::uint64_t zone = node_ + at_.node_zones + n * at_.zone_bytes;
      const auto free =
          kernel_word(arch, vm, memory, zone + at_.free_area + order * at_.area_bytes + at_.nr_free);
      if (!free) return std::nullopt;
      pages += *free << order;
    }
  return pages;
}

Introspection::Result Introspection::read_zones(Arch& arch, const Vm& vm, GuestWindow& memory) {
  learned_ = false;
  if (!find_root(arch, vm)) return fail("its own page table does not map its image yet");
  const auto node = kernel_word(arch, vm, memory, symbol(abi::node_data));
  if (!node || *node == 0) return fail("it has no memory node yet");
  node_ = *node;
  const auto descriptors = find_descriptors(arch, vm, memory);
  if (!descriptors) return fail("its memory sections have no common map of descriptors, or none yet");
  first_page_ = *descriptors;
  for (unsigned n = 0; n < at_.zones; ++n)
    if (!learn_from_lists(arch, vm, memory, node_ + at_.node_zones + n * at_.zone_bytes))
      return fail("a free list does not hold together, or its pages are not those of the map");
  if (!learned_) return fail("none of its free lists has a page");
  layout_ = {.root = root_,
             .entries = first_page_ + (abi::kGuestMemoryBase >> kPageShift) * at_.page_bytes,
             .first = 0,
             .pages = vm.guest_pages(),
             .entry_bytes = static_cast<std::uint32_t>(at_.page_bytes),
             .state_offset = static_cast<std::uint32_t>(at_.page_type),
             .state_mask = ~std::uint32_t{0},
             .state_free = free_type_,
             .order_offset = static_cast<std::uint32_t>(at_.private_),
             .order_mask = ~std::uint32_t{0},
             .since_offset = ~std::uint32_t{0},
             .present = 1};
  stage_ = Stage::verify;
  position_ = 0;
  free_seen_ = 0;
  const auto before = counted_free(arch, vm, memory);
  if (!before) return fail("its zones' counts cannot be read");
  free_before_ = *before;
  return Result::more;
}

// While the guest runs the count moves; what was seen must lie between the counts before and behind, give or
// take what moved.
Introspection::Result Introspection::verify(Arch& arch, const Vm& vm, GuestWindow& memory) {
  MapReader reader(arch, vm, layout_);
  const std::uint64_t end = std::min(vm.guest_pages(), position_ + kPages);
  for (; position_ < end; position_ += 512)
    reader.look(position_, [&](std::uint64_t, std::uint64_t pages, std::uint64_t) { free_seen_ += pages; });
  if (position_ < vm.guest_pages()) return Result::more;
  const auto after = counted_free(arch, vm, memory);
  if (!after) return fail("its zones' counts cannot be read");
  const std::uint64_t low = std::min(free_before_, *after), high = std::max(free_before_, *after);
  const std::uint64_t moved = difference(*after, free_before_) + *after / 64;
  if (free_seen_ != 0 && free_seen_ + moved >= low && free_seen_ <= high + moved) return Result::found;
  stage_ = Stage::zones;
  learned_ = false;
  if (++tries_ >= kTriesToAgree)
    return decline("free pages by its descriptors are not as many as its zones count");
  return Result::more;
}

}  // namespace hv
