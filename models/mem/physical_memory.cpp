// The machine's memory: building regions, and the rare accesses outside the main RAM region.
#include "models/mem/physical_memory.h"

#include <cstdio>

namespace hvsim::mem {

namespace {

std::string hex(std::uint64_t value) {
  char text[19];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

std::optional<std::string> malformed(MemoryRange range) {
  const std::string what = "memory at " + hex(range.base.value);
  if (range.bytes == 0) return what + ": size is zero";
  if (((range.base.value | range.bytes) & isa::kPageMask) != 0)
    return what + ": base and size (" + hex(range.bytes) + ") must be multiples of 4096";
  if (range.base.value + range.bytes - 1 < range.base.value)
    return what + ": size " + hex(range.bytes) + " goes beyond the end of the address space";
  return std::nullopt;
}

std::uint8_t* within(const MemoryRange& range, std::uint8_t* host, isa::Hpa address, std::uint64_t bytes) {
  return range.contains(address, bytes) ? host + (address.value - range.base.value) : nullptr;
}

}  // namespace

PhysicalMemory::PhysicalMemory(Region main) : main_(main.range), main_host_(main.memory.data()) {
  ram_.push_back(std::move(main));
}

isa::Result<PhysicalMemory, std::string> PhysicalMemory::create(isa::Hpa ram_base, std::uint64_t ram_bytes) {
  const MemoryRange range{ram_base, ram_bytes};
  if (auto problem = malformed(range)) return isa::Failure{*problem};
  auto memory = AnonymousMemory::create(ram_bytes);
  if (!memory) return isa::Failure{"RAM at " + hex(ram_base.value) + ": " + memory.error()};
  return PhysicalMemory(Region{range, std::move(memory.value())});
}

std::optional<std::string> PhysicalMemory::problem_with(MemoryRange range) const {
  if (auto problem = malformed(range)) return problem;
  for (const auto* regions : {&ram_, &rom_})
    for (const Region& other : *regions)
      if (range.contains(other.range.base) || other.range.contains(range.base))
        return "memory at " + hex(range.base.value) + ": overlaps the region at " +
               hex(other.range.base.value) + " of " + hex(other.range.bytes) + " bytes";
  return std::nullopt;
}

std::optional<std::string> PhysicalMemory::add_ram(isa::Hpa base, std::uint64_t bytes) {
  const MemoryRange range{base, bytes};
  if (auto problem = problem_with(range)) return problem;
  auto memory = AnonymousMemory::create(bytes);
  if (!memory) return "RAM at " + hex(base.value) + ": " + memory.error();
  ram_.push_back({range, std::move(memory.value())});
  return std::nullopt;
}

std::optional<std::string> PhysicalMemory::add_rom(isa::Hpa base, std::span<const std::uint8_t> content) {
  const std::uint64_t bytes = (content.size() + isa::kPageMask) & ~isa::kPageMask;
  const MemoryRange range{base, bytes};
  if (auto problem = problem_with(range)) return problem;
  auto memory = AnonymousMemory::create(bytes);
  if (!memory) return "ROM at " + hex(base.value) + ": " + memory.error();
  std::memcpy(memory->data(), content.data(), content.size());
  rom_.push_back({range, std::move(memory.value())});
  return std::nullopt;
}

bool PhysicalMemory::copy_in(isa::Hpa address, std::span<const std::uint8_t> from) {
  if (from.empty()) return true;
  std::uint8_t* where = host(address, from.size());
  if (where == nullptr) return false;
  std::memcpy(where, from.data(), from.size());
  return true;
}

bool PhysicalMemory::copy_out(isa::Hpa address, std::span<std::uint8_t> to) const {
  if (to.empty()) return true;
  const std::uint8_t* where = host_readable(address, to.size());
  if (where == nullptr) return false;
  std::memcpy(to.data(), where, to.size());
  return true;
}

bool PhysicalMemory::clear(isa::Hpa address, std::uint64_t bytes) {
  std::uint8_t* where = host(address, bytes);
  if (where == nullptr) return false;
  make_zero(where, bytes);
  return true;
}

std::uint8_t* PhysicalMemory::host_elsewhere(isa::Hpa address, std::uint64_t bytes) const {
  for (const Region& region : ram_)
    if (auto* where = within(region.range, region.memory.data(), address, bytes)) return where;
  return nullptr;
}

const std::uint8_t* PhysicalMemory::host_rom(isa::Hpa address, std::uint64_t bytes) const {
  for (const Region& region : rom_)
    if (const auto* where = within(region.range, region.memory.data(), address, bytes)) return where;
  return nullptr;
}

}  // namespace hvsim::mem
