// The GNU assembler and disassembler for RISC-V as witnesses in tests.
#include "tests/unit/execute/binutils.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace hvsim::tests {
namespace {

constexpr const char* kAssembler =
    "riscv64-linux-gnu-as -march=rv64gch_zicbom_zicboz_zicsr_zifencei_zba_zbb_zbc_zbs_svinval ";
constexpr const char* kDisassembler = "riscv64-linux-gnu-objdump -d -z -M no-aliases,numeric ";

bool run(const std::string& command) { return std::system(command.c_str()) == 0; }

// A directory that goes away with its owner.
class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "hvsim-binutils-XXXXXX").string();
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

std::string without_blanks_at_end(std::string text) {
  text.erase(text.find_last_not_of(" \t") + 1);
  return text;
}

// "  1c:\t00c58533          \tadd\tx10,x11,x12 # comment <symbol>"
bool parse(const std::string& line, Listed& listed) {
  std::vector<std::string> columns;
  std::istringstream in(line);
  for (std::string column; std::getline(in, column, '\t');) columns.push_back(column);
  if (columns.size() < 3 || columns[0].find(':') == std::string::npos) return false;
  listed.address = std::stoull(columns[0], nullptr, 16);
  listed.raw = static_cast<std::uint32_t>(std::stoul(columns[1], nullptr, 16));
  listed.text = columns[2];
  if (columns.size() > 3) listed.text += " " + columns[3];
  for (const char* comment : {" #", " <"}) {
    const auto at = listed.text.find(comment);
    if (at != std::string::npos) listed.text.erase(at);
  }
  listed.text = without_blanks_at_end(listed.text);
  return true;
}

}  // namespace

bool binutils_available() {
  return run(
      "riscv64-linux-gnu-as --version >/dev/null 2>&1 && riscv64-linux-gnu-objdump --version >/dev/null "
      "2>&1");
}

std::vector<Listed> assemble_and_list(const std::vector<std::string>& lines) {
  const Scratch scratch;
  {
    std::ofstream source(scratch.file("a.s"));
    for (const auto& line : lines) source << line << '\n';
  }
  const bool done = run(kAssembler + scratch.file("a.s") + " -o " + scratch.file("a.o")) &&
                    run(kDisassembler + scratch.file("a.o") + " >" + scratch.file("a.txt"));
  std::vector<Listed> result;
  if (!done) return result;
  std::ifstream listing(scratch.file("a.txt"));
  for (std::string line; std::getline(listing, line);) {
    Listed listed;
    if (parse(line, listed)) result.push_back(listed);
  }
  return result;
}

}  // namespace hvsim::tests
