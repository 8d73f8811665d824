// Reads lines and runs the programs that they name: "primes 4". The line "off" ends it, and with it the
// machine.
#include <cstring>

#include "workloads/teaching_kernel/user/system.h"

namespace {

using namespace user;

char line[kernel::kLineBytes + 1];

// Without its end; an argument's start in `argument`.
void read_line(const char*& argument) {
  write("$ ");
  std::uint64_t length = call(Call::read, address(line), sizeof line - 1);
  if (length > 0 && line[length - 1] == '\n') --length;
  line[length] = '\0';
  auto* blank = static_cast<char*>(std::memchr(line, ' ', length));
  argument = blank != nullptr ? blank + 1 : "";
  if (blank != nullptr) *blank = '\0';
}

void run(const char* argument) {
  if (fork() == 0) {
    call(Call::exec, address(line), address(argument));
    Line() << "shell: there is no program " << line;
    exit(127);
  }
  const std::uint64_t status = wait();
  if (status != 0) Line() << "shell: " << line << " ended with " << guest::Hex{status, 8};
}

}  // namespace

extern "C" int program_main(const char*) {
  while (true) {
    const char* argument = nullptr;
    read_line(argument);
    if (std::string_view(line) == "off") return 0;
    if (line[0] != '\0') run(argument);
  }
}
