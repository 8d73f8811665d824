// Runs a device driver's image here and on QEMU, and compares what they print.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "sim/simulation.h"
#include "tests/support/files.h"
#include "tests/systemc/main.h"
#include "tests/systemc/silent.h"

namespace hvsim::sim {

// Exactly what the image prints on QEMU's UART; nothing where there is no QEMU. `input` is a shell command.
inline std::string qemu(const std::string& program, const std::string& options, const std::string& input) {
  if (std::system("command -v qemu-system-riscv64 >/dev/null") != 0) return "";
  const std::string log = testing::TempDir() + "device_" + program + ".log";
  const std::string command = "(" + input +
                              ") | timeout 60 qemu-system-riscv64 -M virt -m 64M -bios none -display none "
                              "-monitor none -global virtio-mmio.force-legacy=false " +
                              options + " -kernel " HVSIM_WORKLOADS "/device_" + program + ".elf >" + log;
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  const std::string output = tests::slurp(log);
  std::remove(log.c_str());
  return output;
}

inline RunResult run_here(const std::string& program, Config config) {
  config.limits.max_cycles = 5'000'000'000;
  ImagePaths images;
  images.image = std::string(HVSIM_WORKLOADS "/device_") + program + ".elf";
  Silent progress;
  const auto result = simulate(config, images, progress);
  EXPECT_TRUE(result) << result.error().line;
  if (!result) return {};
  EXPECT_EQ(result->stop, StopReason::finished) << result->stop_detail;
  EXPECT_EQ(result->guest_exit_code, 0u);
  EXPECT_NE(result->console.find(" done\n"), std::string::npos) << result->console;
  return *result;
}

}  // namespace hvsim::sim
