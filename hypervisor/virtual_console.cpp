// A VM's console: collects a line, then prints it whole as "[name] line".
#include "hypervisor/virtual_console.h"

#include <algorithm>
#include <span>

#include "hypervisor/printable.h"

namespace hv {
namespace {

// A guest must not move the terminal's cursor over another VM's lines.
void make_harmless(std::span<char> text) {
  while (!text.empty()) {
    const std::size_t bytes = printable_bytes({text.data(), text.size()});
    if (bytes == 0 && text[0] != '\t') text[0] = '?';
    text = text.subspan(std::max<std::size_t>(bytes, 1));
  }
}

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
      line_[end_++] = c;
      if (end_ != prefix_ + kConsoleLineBytes) continue;
      char begun[3];  // of a character: it goes into the next line
      const std::size_t bytes = unfinished_bytes({line_ + prefix_, kConsoleLineBytes});
      end_ -= bytes;
      std::copy_n(line_ + end_, bytes, begun);
      print(arch);
      std::copy_n(begun, bytes, line_ + end_);
      end_ += bytes;
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
  make_harmless({line_ + prefix_, end_ - prefix_});
  line_[end_++] = '\n';
  arch.console({line_, end_});
  end_ = prefix_;
}

}  // namespace hv
