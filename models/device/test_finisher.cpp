// Words written to the test finisher.
#include "models/device/test_finisher.h"

namespace hvsim::device {

bool TestFinisher::read(std::uint64_t, unsigned bytes, std::uint64_t& value) {
  value = 0;
  return bytes == 2 || bytes == 4;
}

// Status in the lower half of the word, the code of a failure in the upper; anything else has no effect.
bool TestFinisher::write(std::uint64_t offset, unsigned bytes, std::uint64_t value) {
  if (bytes != 2 && bytes != 4) return false;
  if (offset != 0) return true;
  const auto code = static_cast<std::uint16_t>(bytes == 4 ? value >> 16 : 0);
  switch (static_cast<std::uint16_t>(value)) {
    case kPass:
      finish_({FinishRequest::Kind::pass, 0});
      break;
    case kFail:
      finish_({FinishRequest::Kind::fail, code});
      break;
    case kReset:
      finish_({FinishRequest::Kind::reset, 0});
      break;
    default:
      break;
  }
  return true;
}

}  // namespace hvsim::device
