// compute: CRC, sort, integer and floating-point matrices, bodies under gravity; a checksum per part.
#include <new>

#include "workloads/compute/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/memory.h"
#include "workloads/runtime/start.h"

namespace {
constexpr std::uint64_t kMeasuredRegion = 1;
}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  namespace compute = workload::compute;
  const compute::Parameters parameters = compute::parameters(arguments);
  require_valid(arguments);
  void* const block = memory::allocate(sizeof(compute::Storage));
  if (block == nullptr) out_of_memory("compute");
  compute::Storage& storage = *new (block) compute::Storage;

  region_begin(kMeasuredRegion);
  const compute::Report report =
      compute::run(parameters, storage, [](std::uint64_t rounds) { work_done(rounds); });
  region_end(kMeasuredRegion);

  console::print("crc ", Hex{report.crc}, "\nsort ", Hex{report.sort}, "\nmatrix ", Hex{report.matrix},
                 "\nlinear ", Hex{report.linear}, "\nbodies ", Hex{report.bodies}, "\n");
  console::print("checksum ", Hex{report.checksum()}, "\n");
  return kExitPass;
}
