// Writes blocks of the disk from several processes at once, and reads them back: "disk 4" takes four.
#include "workloads/teaching_kernel/user/system.h"

namespace {

using namespace user;

constexpr unsigned kBlocksEach = 3, kMost = 16, kWords = kernel::kBlockBytes / sizeof(std::uint32_t);

std::uint32_t block[kWords];

std::uint32_t stamp(std::uint64_t number, unsigned word) {
  return static_cast<std::uint32_t>(number * 2'654'435'761u + word * 40'503u);
}

bool write_and_read(std::uint64_t first) {
  for (std::uint64_t n = first; n < first + kBlocksEach; ++n) {
    for (unsigned i = 0; i < kWords; ++i) block[i] = stamp(n, i);
    if (call(Call::write_block, n, address(block)) != 0) return false;
  }
  for (std::uint64_t n = first; n < first + kBlocksEach; ++n) {
    if (call(Call::read_block, n, address(block)) != 0) return false;
    for (unsigned i = 0; i < kWords; ++i)
      if (block[i] != stamp(n, i)) return false;
  }
  return true;
}

}  // namespace

extern "C" int program_main(const char* argument) {
  static kernel::Directory directory;
  const unsigned processes = number(argument, 4);
  if (processes > kMost || call(Call::read_block, 0, address(&directory)) != 0) return 2;
  const std::uint32_t first = directory.free_block;
  const bool fine = run_processes(processes, [first](unsigned i) {
    const bool mine = write_and_read(first + i * kBlocksEach);
    Line() << "disk: process " << i << (mine ? " reads what it wrote" : " does NOT read what it wrote");
    return mine;
  });
  const bool refused = call(Call::read_block, directory.blocks, address(block)) == kCallFailed;
  Line() << "disk: a block past the end is " << (refused ? "refused" : "NOT refused");
  return fine && refused ? 0 : 1;
}
