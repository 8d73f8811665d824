// hello: the smallest workload; says where it runs and checks the two page sizes at a high address.
#include "workloads/hello/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/memory.h"
#include "workloads/runtime/paging.h"
#include "workloads/runtime/start.h"

namespace {

using guest::paging::PageSize;

// Writes through a window at `address` and reads the same memory at its own address.
bool window_reaches_memory(std::uint64_t address, PageSize size, std::uint64_t pattern) {
  const auto bytes = static_cast<std::uint64_t>(size);
  auto* const block = static_cast<volatile std::uint64_t*>(guest::memory::allocate(bytes, bytes));
  if (block == nullptr) guest::out_of_memory("the mapping test");
  if (!guest::paging::map(address, reinterpret_cast<std::uint64_t>(block), bytes, size))
    guest::out_of_memory("the mapping test");
  auto* const window = reinterpret_cast<volatile std::uint64_t*>(address);
  const std::uint64_t last = bytes / sizeof *window - 1;
  window[0] = pattern;
  window[last] = ~pattern;
  return block[0] == pattern && block[last] == ~pattern;
}

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const std::uint64_t seed = workload::hello::seed(arguments);
  require_valid(arguments);
  const hypercall::VmInfo info = hypercall::vm_info();
  console::print("hello from VM ", Decimal{info.vm}, " of ", Decimal{info.vms}, "\n");
  const bool mapped = window_reaches_memory(paging::kHighHalf, PageSize::small, seed) &&
                      window_reaches_memory(paging::kHighHalf + (1 << 30), PageSize::mega, seed + 1);
  console::print(mapped ? "mappings ok\n" : "error: a mapping reaches the wrong memory\n");
  console::print("checksum ", Hex{workload::hello::checksum(seed)}, "\n");
  return mapped ? kExitPass : kExitFail;
}
