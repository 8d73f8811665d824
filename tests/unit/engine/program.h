// A hart, RAM and a few encoders: enough to run hand-written programs on the engine.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <vector>

#include "models/cpu/engine.h"
#include "models/cpu/timing_detailed.h"
#include "models/cpu/timing_policy.h"
#include "models/mem/hierarchy.h"
#include "models/mem/physical_memory.h"

namespace hvsim::cpu::test {

inline constexpr std::uint64_t kRam = 0x8000'0000;
inline constexpr std::uint64_t kRamBytes = 16 << 20;

// Encodings (unprivileged manual, "RV32/64G Instruction Set Listings").
namespace as {
constexpr std::uint32_t i_type(unsigned op, unsigned f3, unsigned rd, unsigned rs1, int imm) {
  return static_cast<std::uint32_t>(imm & 0xFFF) << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}
constexpr std::uint32_t r_type(unsigned op, unsigned f3, unsigned f7, unsigned rd, unsigned rs1,
                               unsigned rs2) {
  return f7 << 25 | rs2 << 20 | rs1 << 15 | f3 << 12 | rd << 7 | op;
}
constexpr std::uint32_t addi(unsigned rd, unsigned rs1, int imm) { return i_type(0x13, 0, rd, rs1, imm); }
constexpr std::uint32_t add(unsigned rd, unsigned a, unsigned b) { return r_type(0x33, 0, 0, rd, a, b); }
constexpr std::uint32_t mul(unsigned rd, unsigned a, unsigned b) { return r_type(0x33, 0, 1, rd, a, b); }
constexpr std::uint32_t lui(unsigned rd, std::uint32_t upper) { return upper << 12 | rd << 7 | 0x37; }
constexpr std::uint32_t ld(unsigned rd, unsigned base, int imm) { return i_type(0x03, 3, rd, base, imm); }
constexpr std::uint32_t lw(unsigned rd, unsigned base, int imm) { return i_type(0x03, 2, rd, base, imm); }
constexpr std::uint32_t sd(unsigned source, unsigned base, int imm) {
  const auto u = static_cast<std::uint32_t>(imm);
  return (u >> 5 & 0x7F) << 25 | source << 20 | base << 15 | 3 << 12 | (u & 31) << 7 | 0x23;
}
constexpr std::uint32_t branch(unsigned f3, unsigned a, unsigned b, int offset) {
  const auto u = static_cast<std::uint32_t>(offset);
  return (u >> 12 & 1) << 31 | (u >> 5 & 0x3F) << 25 | b << 20 | a << 15 | f3 << 12 | (u >> 1 & 15) << 8 |
         (u >> 11 & 1) << 7 | 0x63;
}
constexpr std::uint32_t bne(unsigned a, unsigned b, int offset) { return branch(1, a, b, offset); }
constexpr std::uint32_t jalr(unsigned rd, unsigned base, int imm) { return i_type(0x67, 0, rd, base, imm); }
constexpr std::uint32_t csrrw(unsigned rd, unsigned csr, unsigned rs1) {
  return i_type(0x73, 1, rd, rs1, static_cast<int>(csr));
}
constexpr std::uint32_t csrr(unsigned rd, unsigned csr) {
  return i_type(0x73, 2, rd, 0, static_cast<int>(csr));
}
constexpr std::uint32_t lr_d(unsigned rd, unsigned base) { return r_type(0x2F, 3, 0x08, rd, base, 0); }
constexpr std::uint32_t sc_d(unsigned rd, unsigned base, unsigned source) {
  return r_type(0x2F, 3, 0x0C, rd, base, source);
}
constexpr std::uint32_t fadd_d(unsigned rd, unsigned a, unsigned b) {
  return r_type(0x53, 0, 0x01, rd, a, b);
}
constexpr std::uint32_t mark(unsigned kind, unsigned rs1) {
  return i_type(0x13, 3, 0, rs1, static_cast<int>(kind));
}
inline constexpr std::uint32_t ecall = 0x73, wfi = 0x1050'0073, fence_i = 0x100F, nop = 0x13, self = 0x6F;
}  // namespace as

struct FakeDevices final : DevicePort {
  bool read(isa::Hpa address, unsigned, std::uint64_t& value) override {
    ++reads;
    value = values[address.value];
    return holds(address);
  }
  bool write(isa::Hpa address, unsigned, std::uint64_t value) override {
    values[address.value] = value;
    return holds(address);
  }
  bool holds(isa::Hpa address) const override { return address.value < 0x4000'0000; }
  std::map<std::uint64_t, std::uint64_t> values;
  unsigned reads = 0;
};

template <class Timing>
class Rig {
 public:
  explicit Rig(Timing timing, std::unique_ptr<mem::PhysicalMemory> ram,
               std::unique_ptr<mem::Hierarchy> hierarchy, HartConfig config = {})
      : memory(std::move(ram)),
        caches(std::move(hierarchy)),
        hart(config, *memory, devices, std::move(timing)) {
    state().pc = kRam;
    hart.state_changed();
  }

  HartState& state() { return hart.hart_state(); }
  void put(std::uint64_t address, std::initializer_list<std::uint32_t> words) {
    for (const std::uint32_t word : words) {
      memory->write(isa::Hpa{address}, word);
      address += 4;
    }
  }
  void put_pte(std::uint64_t address, std::uint64_t value) { memory->write(isa::Hpa{address}, value); }
  std::uint64_t cell(Component component) {
    std::uint64_t sum = 0;
    for (const auto& [key, row] : hart.accountant().cells()) sum += (*row)[static_cast<unsigned>(component)];
    return sum;
  }
  std::uint64_t all_cells() {
    std::uint64_t sum = 0;
    for (unsigned c = 0; c < kComponents; ++c) sum += cell(static_cast<Component>(c));
    return sum;
  }

  std::unique_ptr<mem::PhysicalMemory> memory;
  std::unique_ptr<mem::Hierarchy> caches;
  FakeDevices devices;
  Engine<Timing> hart;
};

inline std::unique_ptr<mem::PhysicalMemory> make_ram() {
  return std::make_unique<mem::PhysicalMemory>(
      std::move(mem::PhysicalMemory::create(isa::Hpa{kRam}, kRamBytes).value()));
}

inline std::unique_ptr<Rig<Untimed>> functional(HartConfig config = {}) {
  return std::make_unique<Rig<Untimed>>(Untimed{}, make_ram(), nullptr, config);
}

inline std::unique_ptr<Rig<InOrder>> timed(const TimingConfig& costs = {},
                                           const mmu::TlbHierarchyConfig& tlbs = {},
                                           const mem::HierarchyConfig& levels = {},
                                           const PipelineConfig& pipeline = {}) {
  auto ram = make_ram();
  auto caches = std::move(mem::Hierarchy::create(levels, 1, ram->ram()).value());
  InOrder timing(costs, BranchPredictorConfig{}, tlbs, *caches, 0, 1, pipeline);
  return std::make_unique<Rig<InOrder>>(std::move(timing), std::move(ram), std::move(caches));
}

inline std::unique_ptr<Rig<Detailed>> detailed_with(const mem::HierarchyConfig& levels,
                                                    const PipelineConfig& pipeline = {},
                                                    const BranchPredictorConfig& predictor = {},
                                                    const mmu::TlbHierarchyConfig& tlbs = {},
                                                    HartConfig hart = {}) {
  auto ram = make_ram();
  auto caches = std::move(mem::Hierarchy::create(levels, 1, ram->ram()).value());
  Detailed timing(pipeline, InOrder(TimingConfig{}, predictor, tlbs, *caches, 0, 1, pipeline));
  return std::make_unique<Rig<Detailed>>(std::move(timing), std::move(ram), std::move(caches), hart);
}

// CVA6's caches, TLBs and branch prediction (configs/machines/cva6-h.json) around a memory of this latency.
inline std::unique_ptr<Rig<Detailed>> detailed(isa::Cycles latency = 20, const PipelineConfig& pipeline = {},
                                               HartConfig hart = {}) {
  mem::HierarchyConfig levels;
  levels.l1i.line_bytes = levels.l1d.line_bytes = 16;
  levels.l1i.miss_latency = levels.l1d.miss_latency = 4;
  levels.l1d.write_policy = mem::WritePolicy::write_through;
  levels.l1d.write_allocate = false;
  levels.has_l2 = false;
  levels.memory_latency = levels.memory_write_latency = latency;
  levels.atomics_in_memory = true;
  mmu::TlbHierarchyConfig tlbs;
  tlbs.has_l2 = false;
  PipelineConfig of_cva6 = pipeline;
  of_cva6.fences_take_all = true;
  of_cva6.tlb_flush_block = 127;
  return detailed_with(levels, of_cva6,
                       {.btb_tagged = false, .static_prediction = true, .flushed_by_traps = true}, tlbs,
                       hart);
}

}  // namespace hvsim::cpu::test
