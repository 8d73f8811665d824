// The machine underneath, as the firmware's device tree describes it.
#include "hypervisor/platform.h"

#include "hypervisor/limits.h"

namespace hv {
namespace {

using hvsim::isa::Hpa;
using Node = FdtReader::Node;

// The first `reg` entry of a child of `parent`.
std::optional<MemoryRange> first_range(const FdtReader& tree, Node parent, Node node) {
  const std::uint32_t address_cells = tree.u32(parent, "#address-cells").value_or(2);
  const std::uint32_t size_cells = tree.u32(parent, "#size-cells").value_or(1);
  const auto reg = tree.property(node, "reg");
  if (!reg || address_cells < 1 || address_cells > 2 || size_cells > 2) return std::nullopt;
  if (reg->size() < 4 * (address_cells + size_cells)) return std::nullopt;
  return MemoryRange{Hpa{fdt_cells(*reg, 0, address_cells)}, fdt_cells(*reg, address_cells, size_cells)};
}

// Memory beyond the first node is left alone.
bool read_memory(const FdtReader& tree, Platform& platform) {
  for (auto node = tree.first_child(tree.root()); node; node = tree.next_sibling(*node)) {
    if (tree.text(*node, "device_type").value_or("") != "memory") continue;
    const auto range = first_range(tree, tree.root(), *node);
    if (!range || range->bytes == 0 || range->base.value + range->bytes < range->bytes) return false;
    platform.ram = *range;
    return true;
  }
  return false;
}

bool read_harts(const FdtReader& tree, Platform& platform) {
  const auto cpus = tree.child(tree.root(), "cpus");
  if (!cpus) return false;
  platform.timebase_hz = tree.number(*cpus, "timebase-frequency").value_or(0);
  for (auto node = tree.first_child(*cpus); node; node = tree.next_sibling(*node)) {
    if (tree.text(*node, "device_type").value_or("") != "cpu") continue;
    const std::uint64_t hart = tree.number(*node, "reg").value_or(kMaxHarts);
    if (hart < kMaxHarts) platform.harts |= std::uint64_t{1} << hart;
    if (platform.isa.empty()) platform.isa = tree.text(*node, "riscv,isa").value_or("");
    if (platform.mmu_type.empty()) platform.mmu_type = tree.text(*node, "mmu-type").value_or("");
  }
  return platform.harts != 0 && platform.timebase_hz != 0;
}

bool read_reservations(const FdtReader& tree, Platform& platform) {
  for (unsigned i = 0;; ++i) {
    const auto entry = tree.reservation(i);
    if (entry.bytes == 0) break;
    if (!platform.reserve({Hpa{entry.base}, entry.bytes})) return false;
  }
  const auto parent = tree.child(tree.root(), "reserved-memory");
  for (auto node = parent ? tree.first_child(*parent) : std::nullopt; node; node = tree.next_sibling(*node)) {
    const auto range = first_range(tree, *parent, *node);
    if (range && !platform.reserve(*range)) return false;
  }
  return true;
}

void read_initrd(const FdtReader& tree, Platform& platform) {
  const auto chosen = tree.child(tree.root(), "chosen");
  if (!chosen) return;
  const auto start = tree.number(*chosen, "linux,initrd-start");
  const auto end = tree.number(*chosen, "linux,initrd-end");
  const std::uint64_t ram_end = platform.ram.base.value + platform.ram.bytes;
  if (start && end && *start >= platform.ram.base.value && *end > *start && *end <= ram_end)
    platform.initrd = {Hpa{*start}, *end - *start};
}

// Devices lie directly below the root or below a simple bus with an identity mapping.
void read_devices(const FdtReader& tree, Node parent, unsigned depth, Platform& platform) {
  for (auto node = tree.first_child(parent); node; node = tree.next_sibling(*node)) {
    const auto range = first_range(tree, parent, *node);
    if (range && platform.uart.value == 0 && tree.is_compatible(*node, "ns16550a")) {
      const std::uint32_t shift = tree.u32(*node, "reg-shift").value_or(0);
      platform.uart = range->base;
      platform.uart_stride = shift < 4 ? 1u << shift : 1;
    }
    if (range && platform.finisher.value == 0 && tree.is_compatible(*node, "sifive,test0"))
      platform.finisher = range->base;
    if (depth < 2) read_devices(tree, *node, depth + 1, platform);
  }
}

}  // namespace

bool Platform::reserve(MemoryRange range) {
  if (reserved_count == reserved.size()) return false;
  reserved[reserved_count++] = range;
  return true;
}

std::optional<Platform> read_platform(const FdtReader& tree) {
  Platform platform;
  if (!read_memory(tree, platform) || !read_harts(tree, platform) || !read_reservations(tree, platform))
    return std::nullopt;
  read_initrd(tree, platform);
  read_devices(tree, tree.root(), 0, platform);
  return platform;
}

}  // namespace hv
