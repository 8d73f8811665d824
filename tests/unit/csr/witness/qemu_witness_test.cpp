// CSRs, permissions, traps and interrupts of the model beside QEMU's, one random instruction at a time.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "models/cpu/isa/csr.h"
#include "tests/unit/csr/witness/known_differences.h"
#include "tests/unit/csr/witness/program.h"

namespace hvsim::cpu::witness {
namespace {

namespace fs = std::filesystem;

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

// Where the linker put a symbol of the witness program, by nm.
Addresses addresses_of(const fs::path& elf) {
  Addresses addresses;
  const std::string command = std::string(HVSIM_NM) + " " + elf.string();
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return addresses;
  unsigned long long value = 0;
  char kind = 0, name[64] = {};
  while (std::fscanf(pipe, "%llx %c %63s", &value, &kind, name) == 3) {
    const std::string_view symbol = name;
    if (symbol == "slot") addresses.slot = value;
    if (symbol == "machine_entry") addresses.machine_entry = value;
    if (symbol == "supervisor_entry") addresses.supervisor_entry = value;
    if (symbol == "virtual_entry") addresses.virtual_entry = value;
  }
  pclose(pipe);
  return addresses;
}

void put(std::ofstream& file, std::uint64_t value) {
  file.write(reinterpret_cast<const char*>(&value), sizeof value);
}

void write_steps(const fs::path& path, std::span<const Step> steps) {
  std::ofstream file(path, std::ios::binary);
  put(file, steps.size());
  for (const Step& step : steps) {
    put(file, step.instruction);
    put(file, step.x5);
    put(file, step.x6);
    for (std::uint64_t value : step.loads) put(file, value);
  }
}

std::vector<Outcome> read_outcomes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const auto next = [&file](std::uint64_t& value) {
    return static_cast<bool>(file.read(reinterpret_cast<char*>(&value), sizeof value));
  };
  std::vector<Outcome> outcomes;
  for (Outcome outcome; next(outcome.x10); outcomes.push_back(outcome)) {
    outcome.dump.assign(std::size(kDumped), 0);
    for (std::uint64_t& value : outcome.dump) next(value);
  }
  return outcomes;
}

std::vector<Outcome> run_on_qemu(std::span<const Step> steps) {
  const fs::path folder = fs::temp_directory_path() / ("hvsim-witness-" + std::to_string(getpid()));
  fs::create_directories(folder);
  write_steps(folder / "steps.bin", steps);
  const std::string command =
      "timeout 120 " HVSIM_QEMU
      " -M virt -cpu rv64,h=true -m 128M -bios none -display none -monitor none -kernel " +
      std::string(HVSIM_WITNESS_ELF) +
      " -device loader,force-raw=on,addr=0x81000000,file=" + (folder / "steps.bin").string() +
      " -serial file:" + (folder / "out.bin").string();
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  auto outcomes = read_outcomes(folder / "out.bin");
  fs::remove_all(folder);
  return outcomes;
}

TEST(QemuWitness, AgreesOnEveryStepButForItsKnownErrors) {
  const std::uint64_t seed = number_from_environment("HVSIM_SEED", 1);
  const std::size_t count = number_from_environment("HVSIM_STEPS", 4000);
  std::printf("seed %llu, %zu steps\n", static_cast<unsigned long long>(seed), count);

  const std::vector<Step> steps = random_steps(seed, count);
  const std::vector<Outcome> qemu = run_on_qemu(steps);
  ASSERT_EQ(qemu.size(), steps.size());
  Addresses addresses = addresses_of(HVSIM_WITNESS_ELF);
  addresses.guest_value = steps.size();

  std::map<std::string_view, unsigned> excused;
  unsigned shown = 0;
  for (std::size_t i = 0; i < steps.size() && shown < 20; ++i) {
    const Outcome model = run_on_model(steps[i], addresses);
    if (const auto reason = known_difference(steps[i], model, qemu[i])) {
      ++excused[*reason];
      continue;
    }
    if (const auto known = known_result_difference(steps[i], model.x10, qemu[i].x10)) {
      ++excused[*known];
    } else if (model.x10 != qemu[i].x10) {
      ++shown;
      ADD_FAILURE() << "step " << i << " " << describe(steps[i]) << std::hex << ": x10 is 0x" << model.x10
                    << ", QEMU says 0x" << qemu[i].x10;
    }
    for (std::size_t k = 0; k < std::size(kDumped); ++k)
      if (const auto known = known_difference(steps[i], kDumped[k], model.dump[k], qemu[i].dump[k]))
        ++excused[*known];
      else if (model.dump[k] != qemu[i].dump[k]) {
        ++shown;
        ADD_FAILURE() << "step " << i << " " << describe(steps[i]) << std::hex << ": csr 0x" << kDumped[k]
                      << " is 0x" << model.dump[k] << ", QEMU says 0x" << qemu[i].dump[k];
      }
  }
  for (const auto& [reason, times] : excused)
    std::printf("%6u x %.*s\n", times, static_cast<int>(reason.size()), reason.data());
}

}  // namespace
}  // namespace hvsim::cpu::witness
