// hvsim-bundle: packs guests for the hypervisor, so that it boots on QEMU with `-initrd`.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "sim/image/bundle_options.h"

namespace {

constexpr int kUsageError = 2;

int fail(const std::string& message) {
  std::cerr << "hvsim-bundle: " << message << "\n";
  return kUsageError;
}

// Whole or not at all: a killed run leaves no half-written bundle under its final name.
bool write_file(const std::string& path, const std::vector<std::byte>& bytes) {
  const std::string partial = path + ".partial";
  {
    std::ofstream file(partial, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    file.flush();
    if (!file) return std::remove(partial.c_str()), false;
  }
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  return !error;
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  if (arguments == std::vector<std::string>{"--help"}) return std::cout << hvsim::sim::kBundleUsage, 0;
  const auto options = hvsim::sim::parse_bundle_options(arguments);
  if (!options) return fail(options.error());
  const auto bundle = hvsim::sim::make_bundle(options->bundle);
  if (!bundle) return fail(bundle.error());
  if (!write_file(options->output, *bundle)) return fail(options->output + ": cannot be written");
  return 0;
}
