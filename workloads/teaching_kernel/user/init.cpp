// The first program: runs the shell, and ends, and with it the machine, when the shell does.
#include "workloads/teaching_kernel/user/system.h"

extern "C" int program_main(const char*) {
  using namespace user;
  Line() << "init: process " << call(Call::number);
  if (fork() == 0) {
    call(Call::exec, address("shell"), address(""));
    exit(1);
  }
  const std::uint64_t status = wait();
  Line() << "init: the shell ended with " << status;
  return static_cast<int>(status);
}
