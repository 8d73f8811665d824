// The framing of GDB's remote serial protocol (GDB manual, "Overview" of the protocol's appendix).
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace hvsim::gdb {

inline constexpr std::size_t kMaxPacketBytes = 0x8000;

struct Event {
  enum class Kind : std::uint8_t { packet, bad_packet, interrupt, ack, nack };
  Kind kind{};
  std::string text;  // of a packet, unescaped
};

// Bytes in, events out. Never fails: what is no packet is skipped or reported as a bad one.
class PacketReader {
 public:
  void feed(std::string_view bytes);
  std::optional<Event> next();

 private:
  enum class State : std::uint8_t { outside, inside, checksum_high, checksum_low };
  void take(char byte);
  void finish(char low);

  State state_ = State::outside;
  std::string raw_;
  char high_ = 0;
  bool too_long_ = false;
  std::deque<Event> events_;
};

std::string frame(std::string_view text);  // "$text#checksum", with text escaped

// Hexadecimal as the protocol has it: no prefix. Nothing: not a number, or not in 64 bits.
std::optional<std::uint64_t> parse_hex(std::string_view text);
std::string hex(std::uint64_t value);
std::string hex_bytes(std::string_view bytes);
std::optional<std::string> parse_hex_bytes(std::string_view text);
// Registers: little-endian bytes.
std::string hex_register(std::uint64_t value);
std::optional<std::uint64_t> parse_hex_register(std::string_view text);

// Cuts `text` at the first `separator`: returns what is before it and leaves what is behind.
std::string_view cut(std::string_view& text, char separator);

}  // namespace hvsim::gdb
