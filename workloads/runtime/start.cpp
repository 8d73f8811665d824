// From the first C++ instruction to the workload's main and to power-off.
#include "workloads/runtime/start.h"

#include <string_view>

#include "workloads/runtime/console.h"
#include "workloads/runtime/hypercall.h"
#include "workloads/runtime/memory.h"
#include "workloads/runtime/paging.h"
#include "workloads/runtime/timer.h"
#include "workloads/runtime/trap.h"
#include "workloads/runtime/vcpus.h"

namespace guest {

namespace {

constinit hv::abi::BootInfo boot_info{};

std::string_view argument_text() {
  std::size_t length = 0;
  while (length < sizeof boot_info.arguments && boot_info.arguments[length] != '\0') ++length;
  return {boot_info.arguments, length};
}

void print_reason(const ArgumentError& error) {
  using Kind = ArgumentError::Kind;
  switch (error.kind) {
    case Kind::none:
      break;
    case Kind::malformed:
      console::print("expected key=value");
      break;
    case Kind::duplicate:
      console::print("given twice");
      break;
    case Kind::too_many:
      console::print("too many arguments");
      break;
    case Kind::unknown:
      console::print("this workload has no such argument");
      break;
    case Kind::not_a_number:
    case Kind::out_of_range:
      console::print("expected a number from ", Decimal{error.minimum}, " to ", Decimal{error.maximum});
      break;
  }
}

}  // namespace

const hv::abi::BootInfo& boot_information() { return boot_info; }

void require_valid(Arguments& arguments) {
  arguments.reject_unknown();
  if (arguments.ok()) return;
  console::print("error: argument ", arguments.error().token, ": ");
  print_reason(arguments.error());
  console::print("\n");
  hypercall::power_off(kExitArguments);
}

void out_of_memory(const char* what) {
  console::print("error: ", std::string_view{what}, " needs more memory; ",
                 Decimal{memory::available_bytes()}, " bytes are free\n");
  hypercall::power_off(kExitArguments);
}

}  // namespace guest

// Called by start.S on VCPU 0.
extern "C" [[noreturn]] void guest_start(const hv::abi::BootInfo* info);

extern "C" void guest_start(const hv::abi::BootInfo* info) {
  using namespace guest;
  if (info->magic != hv::abi::kBootMagic) hypercall::power_off(kExitBoot);
  boot_info = *info;
  vcpus::initialise(boot_info);
  hypercall::initialise(boot_info);
  trap::initialise();
  timer::initialise(boot_info);
  memory::initialise(boot_info, reinterpret_cast<std::uint64_t>(info));
  if (!paging::enable(boot_info)) out_of_memory("paging");
  Arguments arguments{argument_text()};
  const std::uint64_t code = workload_main(arguments);
  console::flush();
  hypercall::power_off(code);
}
