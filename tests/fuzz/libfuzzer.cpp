// One target for libFuzzer. A failed expectation is a finding, like a crash.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/fuzz/target.h"

namespace {

const hvsim::fuzz::Target& target() {
  for (const auto& one : hvsim::fuzz::targets())
    if (one.name == HVSIM_FUZZ_TARGET) return one;
  std::abort();
}

}  // namespace

// With HVSIM_FUZZ_SEEDS set, writes the target's seeds into that directory first.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  testing::InitGoogleTest(count, *arguments);
  GTEST_FLAG_SET(throw_on_failure, true);
  const char* directory = std::getenv("HVSIM_FUZZ_SEEDS");
  if (directory == nullptr) return 0;
  std::filesystem::create_directories(directory);
  int number = 0;
  for (const auto& seed : target().seeds()) {
    std::ofstream file(std::filesystem::path(directory) / ("seed-" + std::to_string(number++)),
                       std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.data()), static_cast<std::streamsize>(seed.size()));
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t count) {
  target().run({bytes, count});
  return 0;
}
