// Every target on its seeds, on what was once found (corpus/), and on some thousand mutations of both.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/fuzz/mutate.h"
#include "tests/fuzz/target.h"

namespace hvsim::fuzz {
namespace {

namespace fs = std::filesystem;

unsigned mutations() {
  const char* asked = std::getenv("HVSIM_FUZZ_MUTATIONS");
  return asked != nullptr ? static_cast<unsigned>(std::strtoul(asked, nullptr, 10)) : 1000;
}

std::vector<Bytes> corpus(std::string_view name) {
  std::vector<fs::path> files;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(fs::path(HVSIM_FUZZ_CORPUS) / name, none))
    files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<Bytes> all;
  for (const auto& path : files) {
    std::ifstream file(path, std::ios::binary);
    all.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return all;
}

std::string in_hex(const Bytes& bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

class Replay : public testing::TestWithParam<Target> {};

TEST_P(Replay, SurvivesSeedsFindingsAndMutations) {
  const Target& target = GetParam();
  std::vector<Bytes> inputs = target.seeds();
  ASSERT_FALSE(inputs.empty());
  for (Bytes& found : corpus(target.name)) inputs.push_back(std::move(found));
  target.run({});
  for (const Bytes& input : inputs) target.run(input);
  std::mt19937 random(1);
  for (unsigned i = 0; i < mutations(); ++i) {
    const Bytes input = mutate(inputs[random() % inputs.size()], random);
    target.run(input);
    ASSERT_FALSE(HasFailure()) << target.name << " on " << in_hex(input);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Replay, testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& named) { return std::string(named.param.name); });

}  // namespace
}  // namespace hvsim::fuzz
