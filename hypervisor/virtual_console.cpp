// A VM's console: collects a line, then prints it whole as "[name] line".
#include "hypervisor/virtual_console.h"

namespace hv {
namespace {

// A guest must not move the terminal's cursor over another VM's lines.
constexpr bool harmless(char c) { return static_cast<unsigned char>(c) >= 0x20 ? c != 0x7f : c == '\t'; }

}  // namespace

void VirtualConsole::configure(std::string_view name) {
  prefix_ = 0;
  line_[prefix_++] = '[';
  for (const char c : name)
    if (prefix_ <= kMaxNameBytes) line_[prefix_++] = c;
  line_[prefix_++] = ']';
  line_[prefix_++] = ' ';
  end_ = prefix_;
}

void VirtualConsole::put(Arch& arch, std::string_view text) {
  arch.lock(lock_);
  for (const char c : text) {
    if (c == '\n') {
      print(arch);
    } else if (c != '\r' && c != '\0') {
      line_[end_++] = harmless(c) ? c : '?';
      if (end_ == prefix_ + kConsoleLineBytes) print(arch);
    }
  }
  arch.unlock(lock_);
}

void VirtualConsole::finish(Arch& arch) {
  arch.lock(lock_);
  if (end_ != prefix_) print(arch);
  arch.unlock(lock_);
}

void VirtualConsole::print(Arch& arch) {
  line_[end_++] = '\n';
  arch.console({line_, end_});
  end_ = prefix_;
}

}  // namespace hv
