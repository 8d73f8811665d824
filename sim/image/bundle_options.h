// The command line of hvsim-bundle, taken apart.
#pragma once

#include <string>
#include <vector>

#include "sim/image/bundle.h"

namespace hvsim::sim {

inline constexpr char kBundleUsage[] =
    "usage: hvsim-bundle [settings] --vm FIELDS [--vm FIELDS ...] -o FILE\n"
    "  --delivery MODE                 how hypercalls are delivered: immediate, dlh, multicall, softirq,\n"
    "                                  dlh_ring, polling or free (immediate)\n"
    "  --calls-per-notification N      deferrable calls that a guest hands over in one trap (1)\n"
    "  --queue-capacity N              entries of a VM's queue (64)\n"
    "  --drain-budget-cycles N         most cycles of one drain (20000)\n"
    "  --max-deferred-entries N        most VM entries that a call may wait (4)\n"
    "  --tick-when-alone 0|1           end slices by interrupts also where nobody waits (0)\n"
    "  --drain-at-entry 0|1            run queued calls before their VM is entered (1)\n"
    "  --time-slice-us N               time slice of a VCPU in microseconds (1000)\n"
    "  --print-statistics 0|1          a line of counts per VM when it is off (0)\n"
    "  --read-instructions 0|1         decode device accesses from guest memory instead of htinst (0)\n"
    "  --vm name=storm,memory=16M,vcpus=1,harts=0:1,sstc=0,image=guest.elf,arguments=calls=1000 seed=1\n"
    "       harts: where the VCPUs may run, all if absent; image: an ELF file; flat=FILE: a flat binary;\n"
    "       disk=FILE: what its virtio disk holds at first;\n"
    "       linux=FILE: a Linux Image, with initrd=FILE, symbols=FILE, seed=N and bootargs=...;\n"
    "       arguments and bootargs: everything up to the end, so they come last\n"
    "  -o FILE                         the bundle, for `-initrd`\n";

struct BundleOptions {
  BundleDescription bundle;
  std::string output;
};

// Reads the images that the VMs name.
isa::Result<BundleOptions, std::string> parse_bundle_options(const std::vector<std::string>& arguments);

// "16M" -> 16777216; K, M and G are powers of 1024.
isa::Result<std::uint64_t, std::string> parse_size(const std::string& text);

}  // namespace hvsim::sim
