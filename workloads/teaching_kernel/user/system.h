// What programs are written with: system calls, and lines of text.
#pragma once

#include <string_view>

#include "workloads/teaching_kernel/abi.h"
#include "workloads/teaching_kernel/line.h"

// Each program has one. The result is its status: 0 if all went well.
extern "C" int program_main(const char* argument);

namespace user {

using kernel::Call, kernel::kCallFailed;

inline std::uint64_t address(const void* of) { return reinterpret_cast<std::uint64_t>(of); }

inline std::uint64_t call(Call number, std::uint64_t first = 0, std::uint64_t second = 0) {
  register std::uint64_t a0 asm("a0") = first;
  register std::uint64_t a1 asm("a1") = second;
  register std::uint64_t a7 asm("a7") = static_cast<std::uint64_t>(number);
  asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
  return a0;
}

[[noreturn]] inline void exit(std::uint64_t status) {
  call(Call::exit, status);
  __builtin_unreachable();
}
inline std::uint64_t fork() { return call(Call::fork); }
// Waits for one child. Its status, or kCallFailed: there is none.
inline std::uint64_t wait() {
  std::uint64_t status = 0;
  return call(Call::wait, address(&status)) == kCallFailed ? kCallFailed : status;
}
inline void write(std::string_view text) { call(Call::write, address(text.data()), text.size()); }

// A line that nothing else comes between.
class Line : public kernel::LineBuffer<Line> {
 public:
  static void write(std::string_view text) { user::write(text); }
};

// Runs body(0) to body(count - 1), each in a process of its own. False: one of them said no.
template <class Body>
bool run_processes(unsigned count, const Body& body) {
  for (unsigned i = 0; i < count; ++i)
    if (fork() == 0) exit(body(i) ? 0 : 1);
  bool fine = true;
  for (unsigned i = 0; i < count; ++i) fine &= wait() == 0;
  return fine;
}

// A number at the start of a text, or `otherwise`.
inline unsigned number(const char* text, unsigned otherwise) {
  unsigned value = 0;
  const char* at = text;
  for (; *at >= '0' && *at <= '9'; ++at) value = 10 * value + static_cast<unsigned>(*at - '0');
  return at == text ? otherwise : value;
}

}  // namespace user
