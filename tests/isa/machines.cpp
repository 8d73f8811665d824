// Starts QEMU on a RAM file, and our machine on a copy of the same memory.
#include "tests/isa/machines.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "tests/isa/layout.h"

namespace hvsim::oracle {

RamFile::RamFile() {
  std::string name = (std::filesystem::temp_directory_path() / "hvsim-oracle-XXXXXX").string();
  descriptor_ = mkstemp(name.data());
  if (descriptor_ < 0) return;
  path_ = name;
  if (ftruncate(descriptor_, ORACLE_RAM_BYTES) != 0) return;
  void* mapped = mmap(nullptr, ORACLE_RAM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (mapped != MAP_FAILED) bytes_ = static_cast<std::uint8_t*>(mapped);
}

RamFile::~RamFile() {
  if (bytes_ != nullptr) munmap(bytes_, ORACLE_RAM_BYTES);
  if (descriptor_ >= 0) close(descriptor_);
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void RamFile::clear() {
  if (ftruncate(descriptor_, 0) != 0 || ftruncate(descriptor_, ORACLE_RAM_BYTES) != 0) bytes_ = nullptr;
}

std::span<std::uint8_t> RamFile::memory() const { return {bytes_, ORACLE_RAM_BYTES}; }

Qemu::Qemu(const Witness& witness, const RamFile& ram)
    : process_({witness.program, "-M", "virt,memory-backend=ram", "-cpu", witness.cpu(), "-m", "128M",
                "-object", "memory-backend-file,id=ram,size=128M,share=on,mem-path=" + ram.path().string(),
                "-display", "none", "-serial", "null", "-monitor", "none", "-bios", "none"},
               "/dev/null") {}

std::span<const std::uint8_t> ModelRun::memory() const {
  return {machine->memory().host(sim::map::ram, ORACLE_RAM_BYTES), ORACLE_RAM_BYTES};
}

ModelRun run_model(const Witness& witness, std::span<const std::uint8_t> image, sim::TimingMode mode) {
  sim::MachineConfig config;
  config.memory_bytes = ORACLE_RAM_BYTES;
  config.mode = mode;
  config.isa = witness.isa();
  auto built = sim::Machine::build(config, 1, false, [](std::uint8_t) {});
  if (!built) return {nullptr, built.error()};
  ModelRun run{std::move(built.value()), {}};
  sim::Machine& machine = *run.machine;
  machine.memory().copy_in(sim::map::ram, image);
  cpu::Hart& hart = machine.hart(0);
  hart.hart_state().pc = sim::map::ram.value;
  hart.state_changed();

  constexpr isa::Cycles budget = 100'000;
  constexpr unsigned most_rounds = 5'000;
  for (unsigned round = 0; round < most_rounds && !machine.finished(); ++round)
    if (hart.run(budget, true).stop == cpu::Stop::wait_for_interrupt) break;
  if (!machine.finished()) {
    char where[100];
    std::snprintf(where, sizeof where,
                  "the machine did not power off: pc %llx, %llu instructions, %llu cycles",
                  static_cast<unsigned long long>(hart.hart_state().pc),
                  static_cast<unsigned long long>(hart.hart_state().retired),
                  static_cast<unsigned long long>(hart.hart_state().cycle));
    run.problem = where;
  }
  return run;
}

}  // namespace hvsim::oracle
