// As Spike writes it: the last line is filled up with zeros.
#include "sim/signature.h"

#include <cerrno>
#include <cstring>

#include "sim/image/elf.h"

namespace hvsim::sim {

isa::Result<std::unique_ptr<Signature>, Refusal> Signature::open(const ObserveConfig& config,
                                                                 const std::string& image) {
  const auto elf = load_elf(image);
  if (!elf) return isa::Failure{Refusal{.line = "observe.signature: " + elf.error()}};
  const Symbol* begin = find_symbol(*elf, "begin_signature");
  const Symbol* end = find_symbol(*elf, "end_signature");
  if (begin == nullptr || end == nullptr || begin->address > end->address)
    return isa::Failure{
        Refusal{.line = "observe.signature: " + image +
                        ": expected the symbols begin_signature and, not before it, end_signature"}};
  auto made = std::make_unique<Signature>();
  made->file_.reset(std::fopen(config.signature.c_str(), "w"));
  made->name_ = config.signature;
  if (made->file_ == nullptr) return isa::Failure{made->cannot_be_written(errno)};
  made->range_ = {begin->address, end->address - begin->address};
  made->bytes_per_line_ = config.signature_granularity;
  return made;
}

Refusal Signature::cannot_be_written(int error) const {
  return {.line = "observe.signature: \"" + name_ + "\": " + std::strerror(error) +
                  ", expected a file that can be written",
          .unwritable = without_place(error)};
}

Refusal Signature::write(const mem::PhysicalMemory& memory) const {
  std::string text;
  for (std::uint64_t line = 0; line < range_.bytes; line += bytes_per_line_) {
    for (unsigned i = bytes_per_line_; i-- > 0;) {
      std::uint8_t byte = 0;
      if (line + i < range_.bytes) memory.copy_out(isa::Hpa{range_.base + line + i}, {&byte, 1});
      char digits[3];
      std::snprintf(digits, sizeof digits, "%02x", byte);
      text += digits;
    }
    text += '\n';
  }
  const bool written =
      std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size() && std::fflush(file_.get()) == 0;
  return written ? Refusal{} : cannot_be_written(errno);
}

}  // namespace hvsim::sim
