// From addresses to source lines, by the debug information of an ELF file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace hvsim::sim {

class SourceLines {
 public:
  // A file without debug information has no lines, which is no mistake.
  explicit SourceLines(const std::string& file);
  SourceLines(SourceLines&&) noexcept;
  ~SourceLines();

  std::string at(std::uint64_t address) const;  // "workloads/hello/main.cpp:42", "" if nothing is known

 private:
  struct Debug;
  std::unique_ptr<Debug> debug_;
};

}  // namespace hvsim::sim
