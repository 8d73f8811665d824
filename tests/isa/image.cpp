// Lays programs out in memory (layout.h).
#include "tests/isa/image.h"

#include <cstring>

namespace hvsim::oracle {
namespace {

class Writer {
 public:
  explicit Writer(Memory memory) : memory_(memory) {}
  template <class T>
  void put(std::uint64_t address, const T& value) {
    std::memcpy(&memory_[address - ORACLE_RAM], &value, sizeof(T));
  }

 private:
  Memory memory_;
};

void write_program(Writer& writer, const Program& program) {
  const std::uint64_t start = program.slot + ORACLE_START_PAGE;
  writer.put(start + ORACLE_X, program.x);
  writer.put(start + ORACLE_F, program.f);
  writer.put(start + ORACLE_CSRS, program.csrs);
  writer.put(start + ORACLE_CODE_ADDRESS, program.code_address);
  writer.put(start + ORACLE_BUNDLES, std::uint64_t{program.bundles});
  writer.put(start + ORACLE_START_STATUS, program.start_status);
  writer.put(start + ORACLE_MSTATEEN0, program.mstateen0);
  writer.put(start + ORACLE_HSTATEEN0, program.hstateen0);
  writer.put(program.slot + ORACLE_CODE_PAGE, program.code);
  for (const auto& [offset, page] : program.pages) writer.put(program.slot + offset, page);
}

static_assert(ORACLE_CSRS + static_cast<unsigned>(StartCsr::count) * 8 <= ORACLE_CODE_ADDRESS);
static_assert(ORACLE_CSRS + static_cast<unsigned>(FinalCsr::count) * 8 <= ORACLE_TRAPS);
static_assert(static_cast<unsigned>(TrapCsr::count) * 8 <= 1u << ORACLE_RECORD_SHIFT);
static_assert(ORACLE_MAX_BUNDLES + 1 < ORACLE_MAX_TRAPS);
static_assert(ORACLE_SLOTS - ORACLE_RAM + ORACLE_MAX_PROGRAMS * ORACLE_SLOT_BYTES < ORACLE_RAM_BYTES);

}  // namespace

void write_image(Memory memory, std::span<const std::uint8_t> driver, std::span<const Program> programs) {
  std::memcpy(memory.data(), driver.data(), driver.size());
  Writer writer(memory);
  writer.put(ORACLE_HEADER + ORACLE_COUNT, std::uint64_t{programs.size()});
  const bool enables = !programs.empty() && programs.front().witness->has_state_enables();
  writer.put(ORACLE_HEADER + ORACLE_STATE_ENABLES, std::uint64_t{enables});
  for (const Program& program : programs) write_program(writer, program);
}

std::uint64_t current_program(std::span<const std::uint8_t> memory) {
  std::uint64_t value = 0;
  std::memcpy(&value, &memory[ORACLE_HEADER + ORACLE_CURRENT - ORACLE_RAM], sizeof value);
  return value;
}

}  // namespace hvsim::oracle
