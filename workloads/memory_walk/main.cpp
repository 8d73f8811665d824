// memory_walk: loads and stores over a window of 4 KiB or 2 MiB pages, for caches, TLBs and page walks.
#include "workloads/memory_walk/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/memory.h"
#include "workloads/runtime/paging.h"
#include "workloads/runtime/start.h"

namespace {

namespace walk = workload::memory_walk;

constexpr std::uint64_t kMeasuredRegion = 1, kChaseRegion = 2;

void require_possible(const walk::Parameters& parameters) {
  const char* const mistake = walk::mistake(parameters);
  if (mistake == nullptr) return;
  guest::console::print("error: ", std::string_view{mistake}, "\n");
  guest::hypercall::power_off(guest::kExitArguments);
}

// Fresh memory behind pages of the wanted size at a high address. Volatile-free: the kernel's checks read
// what it wrote, and the pages are nobody else's.
std::span<std::uint64_t> mapped_window(const walk::Parameters& parameters) {
  using guest::paging::PageSize;
  const auto size = static_cast<PageSize>(parameters.page_bytes);
  void* const block = guest::memory::allocate(parameters.bytes, parameters.page_bytes);
  if (block == nullptr) guest::out_of_memory("bytes=");
  if (!guest::paging::map(guest::paging::kHighHalf, reinterpret_cast<std::uint64_t>(block), parameters.bytes,
                          size))
    guest::out_of_memory("the page tables of bytes=");
  return {reinterpret_cast<std::uint64_t*>(guest::paging::kHighHalf), parameters.bytes / 8};
}

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const walk::Parameters parameters = walk::parameters(arguments);
  require_valid(arguments);
  require_possible(parameters);
  const std::span<std::uint64_t> window = mapped_window(parameters);

  region_begin(kMeasuredRegion);
  const walk::Report report = walk::run(
      parameters, window, [](std::uint64_t lines) { work_done(lines); },
      [](auto&& chase) {
        region_begin(kChaseRegion);
        chase();
        region_end(kChaseRegion);
      });
  region_end(kMeasuredRegion);

  if (report.mismatches != 0)
    console::print("error: ", Decimal{report.mismatches}, " words read back wrong\n");
  console::print("checksum ", Hex{report.checksum}, "\n");
  return report.mismatches == 0 ? kExitPass : kExitFail;
}
