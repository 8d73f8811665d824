// Random operands within the rules of a program: pinned registers, certain and skippable instructions.
#include "tests/isa/builder.h"

#include <cstring>

#include "models/cpu/compressed.h"
#include "models/cpu/decoder.h"

namespace hvsim::oracle {

void Builder::emit(std::uint32_t raw) {
  const unsigned bytes = cpu::is_compressed(raw) ? 2 : 4;
  if (room() < bytes) return;
  std::memcpy(&program.code[at_], &raw, bytes);
  program.placed.push_back({raw, at_, certain_});
  at_ += bytes;
}

bool Builder::next_bundle() {
  const bool was_certain = certain_;
  certain_ = true;
  if (room() >= 4 && was_certain && random.one_in(2)) emit(as::jal(0, static_cast<int>(room())));
  while (room() >= 2) {
    program.code[at_] = as::c_nop & 0xFF;
    program.code[at_ + 1] = 0;
    at_ += 2;
  }
  if (limit_ / kBundleBytes >= program.most_bundles) return false;
  limit_ += kBundleBytes;
  return true;
}

bool Builder::reserve(unsigned bytes) { return room() >= bytes || next_bundle(); }

void Builder::finish() {
  while (room() >= 2) {
    program.code[at_] = as::c_nop & 0xFF;
    program.code[at_ + 1] = 0;
    at_ += 2;
  }
  program.bundles = limit_ / kBundleBytes;
  const std::uint32_t last = as::ecall;
  std::memcpy(&program.code[at_], &last, 4);
}

void Builder::skippable(const std::function<void()>& skipped) {
  const bool before = certain_;
  certain_ = false;
  skipped();
  certain_ = before;
}

void Builder::patch(unsigned offset, std::uint32_t raw) {
  const unsigned bytes = cpu::is_compressed(raw) ? 2 : 4;
  std::memcpy(&program.code[offset], &raw, bytes);
  for (Placed& placed : program.placed)
    if (placed.offset == offset) placed.raw = raw;
}

std::uint32_t Builder::with_rd(std::uint32_t raw, unsigned rd) { return (raw & ~(31u << 7)) | rd << 7; }
std::uint32_t Builder::with_rs1(std::uint32_t raw, unsigned rs1) { return (raw & ~(31u << 15)) | rs1 << 15; }
std::uint32_t Builder::with_rs2(std::uint32_t raw, unsigned rs2) { return (raw & ~(31u << 20)) | rs2 << 20; }

unsigned Builder::free_register() {
  for (;;) {
    const unsigned reg = random.below(32);
    if ((pinned >> reg & 1) == 0) return reg;
  }
}

bool Builder::respects_pins(std::uint32_t raw) const {
  const std::uint32_t wide = cpu::is_compressed(raw) ? cpu::expand(static_cast<std::uint16_t>(raw)) : raw;
  const cpu::Format format = cpu::instruction(cpu::find_instruction(wide)).format;
  return cpu::operands(format).rd != cpu::RegisterFile::x || (pinned >> (wide >> 7 & 31) & 1) == 0;
}

std::uint32_t Builder::random_encoding(cpu::Id id) {
  const cpu::Pattern pattern = cpu::instruction(id).pattern;
  for (;;) {
    const std::uint32_t raw = (static_cast<std::uint32_t>(random.next()) & ~pattern.mask) | pattern.match;
    if (cpu::find_instruction(raw) == id && respects_pins(raw)) return raw;
  }
}

void Builder::li(unsigned rd, std::uint64_t value) {
  const auto low12 = static_cast<int>(static_cast<std::int64_t>(value << 52) >> 52);
  const std::uint64_t rest = value - static_cast<std::uint64_t>(static_cast<std::int64_t>(low12));
  const auto as_signed = static_cast<std::int64_t>(value);
  if (as_signed >= -2048 && as_signed < 2048) return emit(as::addi(rd, 0, low12));
  if (as_signed == static_cast<std::int32_t>(as_signed)) {
    emit(as::lui(rd, static_cast<std::uint32_t>(rest >> 12) & 0xFFFFF));
    if (low12 != 0) emit(as::addiw(rd, rd, low12));
    return;
  }
  unsigned shift = 12;
  std::uint64_t upper = static_cast<std::uint64_t>(static_cast<std::int64_t>(rest) >> 12);
  while ((upper & 1) == 0) {
    upper = static_cast<std::uint64_t>(static_cast<std::int64_t>(upper) >> 1);
    ++shift;
  }
  li(rd, upper);
  emit(as::slli(rd, rd, shift));
  if (low12 != 0) emit(as::addi(rd, rd, low12));
}

void Builder::csr(unsigned funct3, unsigned rd, unsigned number, unsigned rs1) {
  emit(as::i_type(0x73, funct3, rd, rs1, static_cast<int>(number)));
}

}  // namespace hvsim::oracle
