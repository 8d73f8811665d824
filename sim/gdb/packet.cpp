// Framing, escapes, checksums and hexadecimal.
#include "sim/gdb/packet.h"

#include <charconv>
#include <cstdio>
#include <cstring>

namespace hvsim::gdb {
namespace {

constexpr char kEscape = '}';
constexpr char kInterrupt = 0x03;

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

unsigned checksum(std::string_view text) {
  unsigned sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  return sum & 0xFF;
}

std::string unescape(std::string_view raw) {
  std::string text;
  for (std::size_t i = 0; i < raw.size(); ++i)
    text += raw[i] == kEscape && i + 1 < raw.size() ? static_cast<char>(raw[++i] ^ 0x20) : raw[i];
  return text;
}

}  // namespace

void PacketReader::feed(std::string_view bytes) {
  for (const char byte : bytes) take(byte);
}

std::optional<Event> PacketReader::next() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void PacketReader::take(char byte) {
  switch (state_) {
    case State::outside:
      if (byte == '$') {
        state_ = State::inside;
        raw_.clear();
        too_long_ = false;
      } else if (byte == kInterrupt) {
        events_.push_back({Event::Kind::interrupt, {}});
      } else if (byte == '+' || byte == '-') {
        events_.push_back({byte == '+' ? Event::Kind::ack : Event::Kind::nack, {}});
      }
      return;
    case State::inside:
      if (byte == '#') {
        state_ = State::checksum_high;
      } else if (byte == '$') {  // the end of the packet before was lost
        raw_.clear();
        too_long_ = false;
      } else if (raw_.size() < kMaxPacketBytes) {
        raw_ += byte;
      } else {
        too_long_ = true;
      }
      return;
    case State::checksum_high:
      high_ = byte;
      state_ = State::checksum_low;
      return;
    case State::checksum_low:
      finish(byte);
      state_ = State::outside;
      return;
  }
}

void PacketReader::finish(char low) {
  const int high = digit(high_), rest = digit(low);
  const bool good =
      !too_long_ && high >= 0 && rest >= 0 && static_cast<unsigned>(high * 16 + rest) == checksum(raw_);
  if (good)
    events_.push_back({Event::Kind::packet, unescape(raw_)});
  else
    events_.push_back({Event::Kind::bad_packet, {}});
}

std::string frame(std::string_view text) {
  std::string raw;
  for (const char c : text) {
    if (std::strchr("#$}*", c) != nullptr && c != 0) {
      raw += kEscape;
      raw += static_cast<char>(c ^ 0x20);
    } else {
      raw += c;
    }
  }
  char tail[4];
  std::snprintf(tail, sizeof tail, "#%02x", checksum(raw));
  return "$" + raw + tail;
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string hex(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%llx", static_cast<unsigned long long>(value));
  return text;
}

std::string hex_bytes(std::string_view bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char byte : bytes) {
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::optional<std::string> parse_hex_bytes(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::string hex_register(std::uint64_t value) {
  return hex_bytes({reinterpret_cast<const char*>(&value), sizeof value});
}

std::optional<std::uint64_t> parse_hex_register(std::string_view text) {
  const auto bytes = parse_hex_bytes(text);
  if (!bytes || bytes->empty() || bytes->size() > sizeof(std::uint64_t)) return std::nullopt;
  std::uint64_t value = 0;
  std::memcpy(&value, bytes->data(), bytes->size());
  return value;
}

std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view before = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + 1);
  return before;
}

}  // namespace hvsim::gdb
