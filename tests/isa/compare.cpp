// Compares field by field what the slots of two memories hold.
#include "tests/isa/compare.h"

#include <algorithm>
#include <cstring>

#include "tests/isa/known_differences.h"

namespace hvsim::oracle {
namespace {

constexpr const char* kTrapNames[] = {
#define ORACLE_CSR(name, number) #name,
#include "tests/isa/trap_csrs.def"
#undef ORACLE_CSR
};
constexpr const char* kFinalNames[] = {
#define ORACLE_CSR(name, number) #name,
#include "tests/isa/final_csrs.def"
#undef ORACLE_CSR
};

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

class Comparison {
 public:
  Comparison(const Program& program, std::span<const std::uint8_t> qemu, std::span<const std::uint8_t> model,
             Explained& explained)
      : program_(program), qemu_(qemu), model_(model), explained_(explained) {}

  std::vector<Difference> run() {
    result_page();
    trap_log();
    for (std::uint64_t offset = ORACLE_LOG_PAGE + ORACLE_MAX_TRAPS * (1u << ORACLE_RECORD_SHIFT);
         offset < ORACLE_SLOT_BYTES; offset += 4096)
      memory_page(offset);
    memory_page(ORACLE_START_PAGE);
    return std::move(found_);
  }

 private:
  template <class Explain>
  void word(std::uint64_t offset, const Explain& explain, const std::string& name) {
    const std::uint64_t a = word_at(qemu_, program_.slot + offset),
                        b = word_at(model_, program_.slot + offset);
    if (a == b) return;
    if (const char* why = explain(a, b)) {
      ++explained_[why];
      return;
    }
    found_.push_back({name, a, b});
  }

  void result_page() {
    const auto inexplicable = [](std::uint64_t, std::uint64_t) -> const char* { return nullptr; };
    word(ORACLE_RESULT_PAGE + ORACLE_DONE, inexplicable, "ended");
    word(ORACLE_RESULT_PAGE + ORACLE_TRAPS, inexplicable, "number of traps");
    word(ORACLE_RESULT_PAGE + ORACLE_MSTATEEN0, inexplicable, "mstateen0");
    word(ORACLE_RESULT_PAGE + ORACLE_HSTATEEN0, inexplicable, "hstateen0");
    for (unsigned i = 1; i < 32; ++i)
      word(ORACLE_RESULT_PAGE + ORACLE_X + 8 * i, inexplicable, "x" + std::to_string(i));
    for (unsigned i = 0; i < 32; ++i)
      word(ORACLE_RESULT_PAGE + ORACLE_F + 8 * i, inexplicable, "f" + std::to_string(i));
    for (unsigned i = 0; i < static_cast<unsigned>(FinalCsr::count); ++i)
      word(
          ORACLE_RESULT_PAGE + ORACLE_CSRS + 8 * i,
          [&](std::uint64_t a, std::uint64_t b) {
            return explanation(FinalField{program_, qemu_, model_, static_cast<FinalCsr>(i), a, b});
          },
          kFinalNames[i]);
  }

  void trap_log() {
    for (unsigned trap = 0; trap < ORACLE_MAX_TRAPS; ++trap)
      for (unsigned i = 0; i < static_cast<unsigned>(TrapCsr::count); ++i)
        word(
            ORACLE_LOG_PAGE + (trap << ORACLE_RECORD_SHIFT) + 8 * i,
            [&](std::uint64_t a, std::uint64_t b) {
              return explanation(TrapField{program_, qemu_, model_, trap, static_cast<TrapCsr>(i), a, b});
            },
            "trap " + std::to_string(trap) + " " + kTrapNames[i]);
  }

  void memory_page(std::uint64_t offset) {
    const std::uint64_t at = program_.slot + offset - ORACLE_RAM;
    if (std::memcmp(&qemu_[at], &model_[at], 4096) == 0) return;
    for (unsigned i = 0; i < 4096; i += 8)
      word(
          offset + i,
          [&](std::uint64_t a, std::uint64_t b) {
            return explanation(MemoryField{program_, offset + i, a, b});
          },
          "memory " + hex(program_.slot + offset + i));
  }

  const Program& program_;
  std::span<const std::uint8_t> qemu_, model_;
  Explained& explained_;
  std::vector<Difference> found_;
};

}  // namespace

std::vector<Difference> differences(const Program& program, std::span<const std::uint8_t> qemu,
                                    std::span<const std::uint8_t> model, Explained& explained) {
  return Comparison(program, qemu, model, explained).run();
}

std::uint64_t word_at(std::span<const std::uint8_t> memory, std::uint64_t address) {
  std::uint64_t value = 0;
  std::memcpy(&value, &memory[address - ORACLE_RAM], sizeof value);
  return value;
}

unsigned trap_count(const Program& program, std::span<const std::uint8_t> memory) {
  const std::uint64_t count = word_at(memory, program.slot + ORACLE_RESULT_PAGE + ORACLE_TRAPS);
  return static_cast<unsigned>(std::min<std::uint64_t>(count, ORACLE_MAX_TRAPS));  // a lost program counts on
}

std::uint64_t trap_csr(const Program& program, std::span<const std::uint8_t> memory, unsigned trap,
                       TrapCsr csr) {
  return word_at(memory, program.slot + ORACLE_LOG_PAGE + (trap << ORACLE_RECORD_SHIFT) +
                             8 * static_cast<unsigned>(csr));
}

}  // namespace hvsim::oracle
