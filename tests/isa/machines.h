// The machines that run an image: QEMU, and ours in both timing modes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

#include "sim/config.h"
#include "sim/machine.h"
#include "tests/isa/witness.h"
#include "tests/support/process.h"

namespace hvsim::oracle {

// RAM in a file, which QEMU maps as its own.
class RamFile {
 public:
  RamFile();  // throws nothing; valid() says whether it worked
  ~RamFile();
  RamFile(const RamFile&) = delete;
  RamFile& operator=(const RamFile&) = delete;

  bool valid() const { return bytes_ != nullptr; }
  void clear();
  const std::filesystem::path& path() const { return path_; }
  std::span<std::uint8_t> memory() const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint8_t* bytes_ = nullptr;
};

// A QEMU that runs beside us.
class Qemu {
 public:
  Qemu(const Witness& witness, const RamFile& ram);

  // False: it failed or did not end in time.
  bool wait(std::chrono::seconds patience) { return process_.wait(patience) == 0; }

 private:
  tests::Process process_;
};

// Runs until the image powers the machine off, or for too long. Empty: success.
struct ModelRun {
  std::unique_ptr<sim::Machine> machine;
  std::string problem;
  std::span<const std::uint8_t> memory() const;
};
ModelRun run_model(const Witness& witness, std::span<const std::uint8_t> image, sim::TimingMode mode);

}  // namespace hvsim::oracle
