// A mismatch in words: enough to see the error without running anything again.
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <span>

#include "models/cpu/decoder.h"
#include "models/cpu/disassembler.h"
#include "tests/isa/compare.h"

namespace hvsim::oracle {
namespace {

constexpr const char* kStartNames[] = {
#define ORACLE_CSR(name, number) #name,
#include "tests/isa/start_csrs.def"
#undef ORACLE_CSR
};

[[gnu::format(printf, 1, 2)]] std::string format(const char* pattern, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}
using Wide = unsigned long long;

std::string start_state(const Program& program) {
  std::string text = format("start: mstatus=%llx code=%llx slot=%llx\n", Wide{program.start_status},
                            Wide{program.code_address}, Wide{program.slot});
  for (unsigned i = 1; i < 32; ++i)
    text += format("x%-2u=%016llx%s", i, Wide{program.x[i]}, i % 4 == 3 ? "\n" : " ");
  for (unsigned i = 0; i < 32; ++i)
    text += format("f%-2u=%016llx%s", i, Wide{program.f[i]}, i % 4 == 3 ? "\n" : " ");
  for (unsigned i = 0; i < program.csrs.size(); ++i)
    if (program.csrs[i] != 0) text += format("%s=%llx ", kStartNames[i], Wide{program.csrs[i]});
  return text + "\n";
}

std::string listing(const Program& program) {
  std::string text;
  for (const Placed& placed : program.placed) {
    const std::uint64_t pc = program.code_address + placed.offset;
    const cpu::Op op = cpu::decode(placed.raw, {});
    text += format("%3u %llx  %08x  %s\n", placed.bundle(), Wide{pc}, placed.raw,
                   cpu::disassemble(op, pc).c_str());
  }
  return text;
}

std::string traps(const Program& program, std::span<const std::uint8_t> memory) {
  std::string text;
  for (unsigned i = 0; i < trap_count(program, memory) && i < ORACLE_MAX_TRAPS; ++i) {
    const auto csr = [&](TrapCsr which) { return Wide{trap_csr(program, memory, i, which)}; };
    text +=
        format("  trap %u: mcause=%llx mepc=%llx mtval=%llx mstatus=%llx scause=%llx sepc=%llx stval=%llx\n",
               i, csr(TrapCsr::mcause), csr(TrapCsr::mepc), csr(TrapCsr::mtval), csr(TrapCsr::mstatus),
               csr(TrapCsr::scause), csr(TrapCsr::sepc), csr(TrapCsr::stval));
  }
  return text;
}

// Of the random page tables.
std::string tables(const Program& program) {
  std::string text;
  for (const auto& [offset, page] : program.pages)
    for (unsigned i = 0; offset >= ORACLE_TABLE_PAGE && i < page.size(); ++i)
      if (page[i] != 0) text += format("  table %x[%u] = %llx\n", offset, i, Wide{page[i]});
  return text;
}

}  // namespace

std::string report(const Program& program, std::uint64_t seed, unsigned number,
                   std::span<const std::uint8_t> qemu, std::span<const std::uint8_t> model,
                   const std::vector<Difference>& found) {
  std::string text = format("seed %llu, program %u (%s): QEMU and the machine differ\n", Wide{seed}, number,
                            program.kind.c_str());
  constexpr std::size_t most = 20;
  for (const Difference& difference : std::span(found).first(std::min(found.size(), most)))
    text += format("  %-24s qemu %016llx  hvsim %016llx\n", difference.field.c_str(), Wide{difference.qemu},
                   Wide{difference.model});
  if (found.size() > most) text += format("  and %zu more\n", found.size() - most);
  text += "QEMU's traps\n" + traps(program, qemu) + "hvsim's traps\n" + traps(program, model);
  return text + start_state(program) + listing(program) + tables(program);
}

}  // namespace hvsim::oracle
