// The memory of a guest that looks like a booted Linux, with any bytes of it changed: its symbol table, its
// type information, its page allocator's own data, its page tables. Each step of introspection stays short.
#include "hypervisor/sharing/linux/introspection.h"

#include <cstdlib>
#include <memory>

#include "tests/fuzz/target.h"
#include "tests/hypervisor/bench.h"
#include "tests/hypervisor/synthetic_kernel.h"

namespace hvsim::fuzz {
namespace {

using hv::SyntheticKernel;

constexpr std::uint64_t kPlaces[] = {0,
                                     SyntheticKernel::kTypes,
                                     SyntheticKernel::kTypes + 0x10020,  // the names of types
                                     SyntheticKernel::kSymbols,
                                     SyntheticKernel::kSymbols + 0x900,  // markers and tokens
                                     SyntheticKernel::kData,
                                     SyntheticKernel::kData + 0x2000,  // the memory node
                                     SyntheticKernel::kPages + SyntheticKernel::kFreePage * 64 - 128};
constexpr std::uint64_t kMostAccesses = 200'000;  // in one step
constexpr unsigned kMostSteps = 20'000;

}  // namespace

// Pieces: a place, an offset from there, how often it comes again at what distance, and what is written.
void introspection(std::span<const std::uint8_t> bytes) {
  SyntheticKernel kernel;
  for (Input input(bytes); !input.empty();) {
    std::uint64_t at = kPlaces[input.take<std::uint8_t>() % std::size(kPlaces)];
    at += input.take<std::uint16_t>();
    const std::uint64_t distance = 1 + input.take<std::uint16_t>();
    unsigned times = 1 + input.take<std::uint8_t>();
    const auto piece = input.take_bytes(1 + input.take<std::uint8_t>() % 32);
    for (; times != 0 && at + piece.size() < SyntheticKernel::kBytes; --times, at += distance)
      kernel.put(at, std::string_view{reinterpret_cast<const char*>(piece.data()), piece.size()});
  }
  // What lies behind the header is the guest's affair; without one the VM is not built.
  const std::uint64_t header[] = {0x200000, SyntheticKernel::kBytes, 0};
  kernel.put(8, header);
  kernel.put(56, std::string_view{"RSC\5"});

  hv::Bench bench;
  hv::BundleDescription description;
  description.vms = {kernel.vm()};
  bench.start(description);
  std::uint64_t accesses = 0;
  bench.machine.on_operation = [&] { ++accesses; };
  const auto search = std::make_unique<hv::Introspection>();
  search->begin(bench.core->vm(0));
  auto result = hv::Introspection::Result::more;
  for (unsigned steps = 0; result == hv::Introspection::Result::more; ++steps) {
    accesses = 0;
    result = search->step(bench.harts[0], bench.core->vm(0));
    if (accesses > kMostAccesses || steps > kMostSteps) std::abort();
  }
  if (bench.machine.out_of_ram) std::abort();
}

std::vector<Bytes> introspection_seeds() {
  const auto piece = [](std::uint8_t place, std::uint16_t offset, std::uint16_t distance, std::uint8_t times,
                        std::initializer_list<std::uint32_t> words) {
    Script script;
    script.add(place).add(offset).add(distance).add(times).add(
        static_cast<std::uint8_t>(4 * words.size() - 1));
    for (const std::uint32_t word : words) script.add(word);
    return script.bytes();
  };
  return {piece(0, 0x1000, 0, 0, {0x756E694C}),                   // nothing new
          piece(1, 28, 0, 0, {4u << 24 | 0xFFFF}),                // a struct with all the members there are
          piece(1, 36, 11, 255, {0, 1, 0}),                       // which are that struct
          piece(3, 0, 0, 0, {0xFFFFFFFF}),                        // so many symbols
          piece(5, 0, 0, 0, {0x80202000, 0xFFFFFFFF}),            // mem_section that points to itself
          piece(6, 16, 23, 3, {0x80204010, 0xFFFFFFFF}),          // lists that are all the same
          piece(7, 136, 63, 20, {0xF0000000, 0, 0, 0, 0, 0, 0}),  // many free pages
          {0, 0, 0x10, 3, 1, 31, 0x30, 0, 0x31, 0, 0x32, 0, 0x33, 0, 0x34, 0, 0x35, 0, 0x36, 0, 0x37, 0}};
}

}  // namespace hvsim::fuzz
