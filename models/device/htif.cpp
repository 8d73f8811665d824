// A command: device in bits 63 to 56, what it is to do in 55 to 48, an argument below. Device 0 takes system
// calls (an odd argument is the exit code, shifted by one), device 1 is the console.
#include "models/device/htif.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace hvsim::device {
namespace {

constexpr std::uint64_t kArgument = (std::uint64_t{1} << 48) - 1;
constexpr unsigned kSystem = 0, kConsole = 1;     // devices
constexpr unsigned kPutCharacter = 1;             // of the console
constexpr std::uint64_t kWrite = 64, kExit = 93;  // Linux's numbers
constexpr std::uint64_t kStandardOutput = 1, kStandardError = 2;
constexpr std::uint64_t kNoSuchCall = ~std::uint64_t{38} + 1;  // -ENOSYS
constexpr std::uint64_t kBadAddress = ~std::uint64_t{14} + 1;  // -EFAULT
constexpr std::uint64_t kMostBytes = 1 << 16;                  // of one write: the rest is another's

}  // namespace

Htif::Htif(isa::Hpa to_host, std::optional<isa::Hpa> from_host, HtifWiring wiring)
    : to_host_(to_host), from_host_(from_host), wiring_(std::move(wiring)) {}

void Htif::look() {
  const std::uint64_t command = load(to_host_);
  if (command == 0) return;
  const auto device = static_cast<unsigned>(command >> 56);
  const auto what = static_cast<unsigned>(command >> 48 & 0xFF);
  const std::uint64_t argument = command & kArgument;
  if (device == kSystem && what == 0 && (argument & 1) != 0) return end(argument >> 1);
  store(to_host_, 0);
  if (device == kSystem && what == 0) call(isa::Hpa{argument});
  if (device == kConsole && what == kPutCharacter) wiring_.console(static_cast<std::uint8_t>(argument));
}

// Number and arguments are doublewords in memory; the result takes the number's place.
void Htif::call(isa::Hpa arguments) {
  const std::uint64_t number = load(arguments);
  if (number == kExit) return end(load(arguments + 8));
  const std::uint64_t file = load(arguments + 8);
  const bool writes = number == kWrite && (file == kStandardOutput || file == kStandardError);
  store(arguments, writes ? write(isa::Hpa{load(arguments + 16)}, load(arguments + 24)) : kNoSuchCall);
  if (from_host_) store(*from_host_, 1);
}

std::uint64_t Htif::write(isa::Hpa from, std::uint64_t bytes) {
  bytes = std::min(bytes, kMostBytes);
  for (std::uint64_t done = 0; done < bytes; ++done) {
    std::uint8_t byte = 0;
    if (!wiring_.memory.read(from + done, {&byte, 1})) return done == 0 ? kBadAddress : done;
    wiring_.console(byte);
  }
  return bytes;
}

void Htif::end(std::uint64_t code) {
  const auto shown = static_cast<std::uint16_t>(std::min<std::uint64_t>(code, 0xFFFF));
  wiring_.finish({code == 0 ? FinishRequest::Kind::pass : FinishRequest::Kind::fail, shown});
}

std::uint64_t Htif::load(isa::Hpa from) {
  std::array<std::uint8_t, 8> bytes{};
  wiring_.memory.read(from, bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

void Htif::store(isa::Hpa to, std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes{};
  std::memcpy(bytes.data(), &value, sizeof value);
  wiring_.memory.write(to, bytes);
}

}  // namespace hvsim::device
