// Lists the programs on the disk.
#include "workloads/teaching_kernel/user/system.h"

extern "C" int program_main(const char*) {
  using namespace user;
  static kernel::Directory directory;
  if (call(Call::read_block, 0, address(&directory)) != 0) return 1;
  for (unsigned i = 0; i < directory.programs; ++i)
    Line() << kernel::name_of(directory.entries[i]) << " " << directory.entries[i].bytes;
  return 0;
}
