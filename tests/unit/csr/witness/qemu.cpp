// Running a bare-metal program with data on QEMU's virt board and reading what it sent through the UART.
#include "tests/unit/csr/witness/qemu.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace hvsim::cpu::witness {
namespace {

namespace fs = std::filesystem;

void write_words(const fs::path& path, std::span<const std::uint64_t> words) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(words.data()), static_cast<std::streamsize>(words.size_bytes()));
}

std::vector<std::uint64_t> read_words(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::uint64_t> words;
  for (std::uint64_t word; file.read(reinterpret_cast<char*>(&word), sizeof word);) words.push_back(word);
  return words;
}

std::string hexadecimal(std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

std::vector<std::uint64_t> run_on_qemu(const std::string& elf, std::span<const Data> data,
                                       const std::string& extensions) {
  const fs::path folder = fs::temp_directory_path() / ("hvsim-witness-" + std::to_string(getpid()));
  fs::create_directories(folder);
  std::string command = "timeout 300 " HVSIM_QEMU " -M virt -cpu rv64,h=true," + extensions +
                        " -m 128M -bios none -display none -monitor none -kernel " + elf +
                        " -serial file:" + (folder / "out").string();
  for (const Data& piece : data) {
    const fs::path file = folder / hexadecimal(piece.address);
    write_words(file, piece.words);
    command += " -device loader,force-raw=on,addr=" + hexadecimal(piece.address) + ",file=" + file.string();
  }
  std::vector<std::uint64_t> words;
  if (std::system(command.c_str()) == 0) words = read_words(folder / "out");
  fs::remove_all(folder);
  return words;
}

std::uint64_t symbol_address(const std::string& elf, const std::string& name) {
  FILE* pipe = popen((HVSIM_NM " " + elf).c_str(), "r");
  if (pipe == nullptr) return 0;
  unsigned long long value = 0;
  std::uint64_t found = 0;
  char kind = 0, symbol[64] = {};
  while (std::fscanf(pipe, "%llx %c %63s", &value, &kind, symbol) == 3)
    if (symbol == name) found = value;
  pclose(pipe);
  return found;
}

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

}  // namespace hvsim::cpu::witness
