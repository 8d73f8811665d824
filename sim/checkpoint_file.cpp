// The file format of checkpoints. Numbers are little-endian:
//   8 bytes  "hvsimckp"
//   4 bytes  version of the format
//   8 bytes  of the facts
//  16 bytes  XXH3 (128 bits) of all that follows
//            facts: JSON
//            parts, compressed by zstd: of each, the length of its name, the name, its length, its content
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "sim/checkpoint.h"
#include "sim/hash.h"
#include "sim/image/read_file.h"

namespace hvsim::sim {
namespace {

using state::Bytes;

constexpr char kMagic[8] = {'h', 'v', 's', 'i', 'm', 'c', 'k', 'p'};
constexpr std::uint32_t kFormat = 6;  // of the file and of what is in its parts
constexpr std::size_t kHashed =
    sizeof kMagic + sizeof kFormat + sizeof(std::uint64_t) + sizeof(XXH128_canonical_t);
constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 37;  // of all parts: more than a machine's memory
constexpr int kLevel = 1;                                     // fast: what a machine holds compresses well

template <class T>
void append(Bytes& to, const T& value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  to.insert(to.end(), bytes, bytes + sizeof value);
}

XXH128_canonical_t hash_of(std::span<const std::uint8_t> bytes) {
  XXH128_canonical_t hash;
  XXH128_canonicalFromHash(&hash, XXH3_128bits(bytes.data(), bytes.size()));
  return hash;
}

struct Compressor {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

void compress(Bytes& to, const std::map<std::string, Bytes>& parts) {
  const std::unique_ptr<ZSTD_CCtx, Compressor> context(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, kLevel);
  Bytes chunk(ZSTD_CStreamOutSize());
  const auto feed = [&](const void* data, std::size_t bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{data, bytes, 0};
    for (;;) {
      ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context.get(), &out, &in, directive);
      to.insert(to.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(out.pos));
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
    }
  };
  for (const auto& [name, content] : parts) {
    Bytes heading;
    append(heading, static_cast<std::uint32_t>(name.size()));
    heading.insert(heading.end(), name.begin(), name.end());
    append(heading, static_cast<std::uint64_t>(content.size()));
    feed(heading.data(), heading.size(), ZSTD_e_continue);
    feed(content.data(), content.size(), ZSTD_e_continue);
  }
  feed(nullptr, 0, ZSTD_e_end);
}

isa::Result<Bytes, std::string> decompress(std::span<const std::uint8_t> from) {
  const std::unique_ptr<ZSTD_DCtx, Compressor> context(ZSTD_createDCtx());
  Bytes all, chunk(ZSTD_DStreamOutSize());
  ZSTD_inBuffer in{from.data(), from.size(), 0};
  for (std::size_t hint = 1; hint != 0;) {
    ZSTD_outBuffer out{chunk.data(), chunk.size(), 0};
    hint = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(hint))
      return isa::Failure{std::string("cannot be decompressed: ") + ZSTD_getErrorName(hint)};
    if (hint != 0 && in.pos == in.size && out.pos == 0) return isa::Failure{std::string("ends too early")};
    if (all.size() + out.pos > kMostBytes) return isa::Failure{std::string("holds more than any machine")};
    all.insert(all.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(out.pos));
  }
  if (in.pos != in.size) return isa::Failure{std::string("goes on behind its end")};
  return all;
}

// Takes a fixed number of bytes off the front, if there are so many.
template <class T>
bool take(std::span<const std::uint8_t>& from, T& value) {
  if (from.size() < sizeof value) return false;
  std::memcpy(&value, from.data(), sizeof value);
  from = from.subspan(sizeof value);
  return true;
}

isa::Result<std::map<std::string, Bytes>, std::string> split(std::span<const std::uint8_t> content) {
  std::map<std::string, Bytes> parts;
  while (!content.empty()) {
    std::uint32_t name_bytes = 0;
    std::uint64_t bytes = 0;
    bool good = take(content, name_bytes) && name_bytes <= content.size();
    std::string name;
    if (good) {
      name.assign(content.begin(), content.begin() + name_bytes);
      content = content.subspan(name_bytes);
      good = take(content, bytes) && bytes <= content.size();
    }
    if (!good) return isa::Failure{std::string("has a part that is too short")};
    parts[name] = Bytes(content.begin(), content.begin() + static_cast<std::ptrdiff_t>(bytes));
    content = content.subspan(bytes);
  }
  return parts;
}

struct Opened {
  CheckpointFacts facts;
  std::span<const std::uint8_t> parts;
};

isa::Result<CheckpointFacts, std::string> facts_of(const Json& json) {
  const auto text = [&](const char* key) { return json.contains(key) && json[key].is_string(); };
  const auto object = [&](const char* key) { return json.contains(key) && json[key].is_object(); };
  const auto number = [&](const char* key) { return json.contains(key) && json[key].is_number_unsigned(); };
  if (!json.is_object() || !text("simulator") || !text("build") || !text("identity") || !object("images") ||
      !object("beginning") || !object("config") || !number("cycles") || !number("instructions") ||
      !json.contains("debugged") || !json["debugged"].is_boolean())
    return isa::Failure{std::string("does not say what it is of")};
  return CheckpointFacts{.simulator = json["simulator"],
                         .build = json["build"],
                         .identity = json["identity"],
                         .images = json["images"],
                         .beginning = json["beginning"],
                         .config = json["config"],
                         .cycles = json["cycles"],
                         .instructions = json["instructions"],
                         .debugged = json["debugged"]};
}

isa::Result<Opened, std::string> open(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < sizeof kMagic || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0)
    return isa::Failure{std::string("is no checkpoint")};
  bytes = bytes.subspan(sizeof kMagic);
  std::uint32_t format = 0;
  std::uint64_t facts_bytes = 0;
  XXH128_canonical_t hash;
  if (!take(bytes, format)) return isa::Failure{std::string("ends too early")};
  if (format != kFormat)
    return isa::Failure{"has format " + std::to_string(format) + ", expected " + std::to_string(kFormat) +
                        ": another version of the simulator wrote it"};
  if (!take(bytes, facts_bytes) || !take(bytes, hash)) return isa::Failure{std::string("ends too early")};
  const XXH128_canonical_t found = hash_of(bytes);
  if (std::memcmp(&found, &hash, sizeof hash) != 0 || facts_bytes > bytes.size())
    return isa::Failure{std::string("is damaged: its content does not match its hash")};
  const auto json =
      parse_json({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(facts_bytes)}, "facts");
  if (!json) return isa::Failure{std::string("does not say what it is of")};
  auto facts = facts_of(*json);
  if (!facts) return isa::Failure{facts.error()};
  return Opened{std::move(facts.value()), bytes.subspan(facts_bytes)};
}

std::span<const std::uint8_t> octets(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

// The error of the system, or 0.
int write_bytes(int descriptor, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return 0;
}

}  // namespace

Bytes encode_checkpoint(const Checkpoint& checkpoint) {
  const CheckpointFacts& facts = checkpoint.facts;
  const std::string text = Json{
      {"simulator", facts.simulator},
      {"build", facts.build},
      {"identity", facts.identity},
      {"images", facts.images},
      {"beginning", facts.beginning},
      {"cycles", facts.cycles},
      {"instructions", facts.instructions},
      {"debugged", facts.debugged},
      {"config", facts.config}}.dump();
  Bytes bytes(kMagic, kMagic + sizeof kMagic);
  append(bytes, kFormat);
  append(bytes, static_cast<std::uint64_t>(text.size()));
  bytes.resize(kHashed);
  bytes.insert(bytes.end(), text.begin(), text.end());
  compress(bytes, checkpoint.parts);
  const XXH128_canonical_t hash = hash_of(std::span(bytes).subspan(kHashed));
  std::memcpy(bytes.data() + kHashed - sizeof hash, &hash, sizeof hash);
  return bytes;
}

isa::Result<Checkpoint, std::string> decode_checkpoint(std::span<const std::uint8_t> bytes) {
  try {
    auto opened = open(bytes);
    if (!opened) return isa::Failure{opened.error()};
    const auto content = decompress(opened->parts);
    if (!content) return isa::Failure{content.error()};
    auto parts = split(*content);
    if (!parts) return isa::Failure{parts.error()};
    return Checkpoint{std::move(opened.value().facts), std::move(parts.value())};
  } catch (const std::bad_alloc&) {
    return isa::Failure{std::string("needs more memory than there is")};
  }
}

isa::Result<CheckpointFacts, std::string> decode_checkpoint_facts(std::span<const std::uint8_t> bytes) {
  auto opened = open(bytes);
  if (!opened) return isa::Failure{opened.error()};
  return std::move(opened.value().facts);
}

Refusal write_checkpoint(const std::string& file, const Checkpoint& checkpoint) {
  const auto refusal = [](int error) -> Refusal {
    return {.line = std::strerror(error), .unwritable = without_place(error)};
  };
  const Bytes bytes = encode_checkpoint(checkpoint);
  std::string partial = file + ".partial-XXXXXX";
  const int descriptor = mkstemp(partial.data());
  if (descriptor < 0) return refusal(errno);
  int error = write_bytes(descriptor, bytes);
  if (error == 0 && (fchmod(descriptor, 0644) != 0 || fsync(descriptor) != 0)) error = errno;
  ::close(descriptor);
  if (error == 0 && ::rename(partial.c_str(), file.c_str()) != 0) error = errno;
  if (error == 0) return {};
  ::unlink(partial.c_str());
  return refusal(error);
}

isa::Result<Checkpoint, std::string> read_checkpoint(const std::string& file) {
  const auto bytes = read_content(file);
  if (!bytes) return isa::Failure{bytes.error()};
  return decode_checkpoint(octets(*bytes));
}

isa::Result<CheckpointFacts, std::string> read_checkpoint_facts(const std::string& file) {
  using Facts = isa::Result<CheckpointFacts, std::string>;
  static FileMemo<Facts> memo;  // all points of a sweep ask for the same
  return memo.of(file, [&]() -> Facts {
    const auto bytes = read_content(file);
    if (!bytes) return isa::Failure{bytes.error()};
    return decode_checkpoint_facts(octets(*bytes));
  });
}

}  // namespace hvsim::sim
