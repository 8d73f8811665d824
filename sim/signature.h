// The part of memory by which an architectural test is judged, from `begin_signature` to `end_signature`, as
// test runners want it: lines of hexadecimal digits, each the little-endian number that the next bytes are.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "models/cpu/isa/result.h"
#include "models/mem/physical_memory.h"
#include "sim/config.h"
#include "sim/image/image.h"
#include "sim/refusal.h"

namespace hvsim::sim {

class Signature {
 public:
  // The file is made at once, so that a run whose result would have no place does not begin.
  static isa::Result<std::unique_ptr<Signature>, Refusal> open(const ObserveConfig& config,
                                                               const std::string& image);
  // Empty: it is written.
  Refusal write(const mem::PhysicalMemory& memory) const;

 private:
  Refusal cannot_be_written(int error) const;

  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::string name_;
  AddressRange range_;
  unsigned bytes_per_line_ = 4;
};

}  // namespace hvsim::sim
