// disk_io: reads and writes its virtio disk, is told by interrupts what is done, and sleeps until then.
#include <algorithm>

#include "models/cpu/isa/cause.h"
#include "workloads/disk_io/kernel.h"
#include "workloads/runtime/console.h"
#include "workloads/runtime/disk.h"
#include "workloads/runtime/mark.h"
#include "workloads/runtime/start.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"

namespace {

namespace io = workload::disk_io;

constexpr std::uint64_t kMeasuredRegion = 1;

alignas(4096) constinit std::array<std::array<std::uint64_t, io::kMostSectors * io::kSectorWords>,
                                   io::kMostDepth> buffers{};
constinit bool rested = false;

struct Disk {
  std::uint64_t sectors, pause_ticks;  // of a request, between batches
  std::array<std::uint64_t, io::kMostDepth> began{};

  std::span<std::uint64_t> buffer(std::uint64_t slot) const { return buffers[slot]; }
  std::uint64_t blocks() const { return std::min(guest::disk::sectors() / sectors, io::kMostBlocks); }
  void begin(std::uint64_t slot, bool writes, std::uint64_t block) {
    began[slot] = guest::timer::now();
    guest::disk::begin(static_cast<unsigned>(slot), writes, block * sectors, buffers[slot].data(),
                       static_cast<std::uint32_t>(sectors * virtio::kSectorBytes));
  }
  bool finish(std::uint64_t slot) {
    const auto number = static_cast<unsigned>(slot);
    while (guest::disk::under_way(number)) guest::trap::sleep();
    guest::latency((guest::disk::finished_at(number) - began[slot]) * 1'000'000'000 /
                   guest::timer::ticks_per_second());
    return guest::disk::succeeded(number);
  }
  void done(std::uint64_t requests) const { guest::work_done(requests); }
  void rest() const {
    if (pause_ticks == 0) return;
    rested = false;
    guest::timer::arm(guest::timer::now() + pause_ticks);
    while (!rested) guest::trap::sleep();
  }
};

}  // namespace

std::uint64_t guest::workload_main(Arguments& arguments) {
  const io::Parameters parameters = io::parameters(arguments);
  require_valid(arguments);
  if (!disk::start() || disk::sectors() / parameters.sectors <= io::kMostDepth) {
    console::print("error: disk_io needs a disk of more than ", Decimal{io::kMostDepth * parameters.sectors},
                   " sectors\n");
    return kExitArguments;
  }
  trap::handle(hvsim::isa::Interrupt::supervisor_timer, [](trap::Frame&) {
    timer::disarm();
    rested = true;
  });
  Disk own{parameters.sectors, parameters.pause_us * timer::ticks_per_second() / 1'000'000};
  region_begin(kMeasuredRegion);
  const io::Report report = io::run(parameters, own);
  region_end(kMeasuredRegion);
  if (report.wrong != 0) console::print("error: ", Decimal{report.wrong}, " words or requests are wrong\n");
  console::print("checksum ", Hex{report.checksum}, "\n");
  return report.wrong == 0 ? kExitPass : kExitFail;
}
