// Holds a port's lock for the length of a block.
#pragma once

#include "arch.h"

namespace hv {

class Locked {
 public:
  Locked(Arch& arch, Arch::Lock& lock) : arch_(arch), lock_(lock) { arch_.lock(lock_); }
  ~Locked() { arch_.unlock(lock_); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  Arch& arch_;
  Arch::Lock& lock_;
};

}  // namespace hv
