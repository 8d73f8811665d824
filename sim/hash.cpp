// XXH3, 64 bits.
#include "sim/hash.h"

#include <sys/stat.h>
#include <xxhash.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

namespace hvsim::sim {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// Clocks of file systems tick every few milliseconds, or every two seconds (FAT).
constexpr std::int64_t kOldEnough = 2 * kSecond;

std::int64_t nanoseconds(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

std::string digits_of(std::uint64_t hash) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, hash);
  return digits;
}

std::string read_and_hash(const std::string& file) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> stream(std::fopen(file.c_str(), "rb"), std::fclose);
  if (!stream) return {};
  const std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state(XXH3_createState(),
                                                                              XXH3_freeState);
  XXH3_64bits_reset(state.get());
  std::vector<char> piece(std::size_t{1} << 18);  // stays in the second-level cache
  std::setvbuf(stream.get(), nullptr, _IONBF, 0);
  for (std::size_t bytes; (bytes = std::fread(piece.data(), 1, piece.size(), stream.get())) != 0;)
    XXH3_64bits_update(state.get(), piece.data(), bytes);
  return std::ferror(stream.get()) != 0 ? std::string() : digits_of(XXH3_64bits_digest(state.get()));
}

FileMemo<std::string>& memo() {
  static FileMemo<std::string> hashes;
  return hashes;
}

}  // namespace

FileStamp FileStamp::of(const std::string& file) {
  struct stat status {};
  timespec now{};
  if (::stat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  clock_gettime(CLOCK_REALTIME, &now);
  const std::int64_t modified = nanoseconds(status.st_mtim), changed = nanoseconds(status.st_ctim);
  if (nanoseconds(now) - std::max(modified, changed) < kOldEnough) return {};
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .bytes = static_cast<std::uint64_t>(status.st_size),
          .modified_ns = modified,
          .changed_ns = changed};
}

std::string hash_text(std::string_view text) { return digits_of(XXH3_64bits(text.data(), text.size())); }

std::string hash_file(const std::string& file) {
  if (file.empty()) return {};
  return memo().of(file, [&] { return read_and_hash(file); });
}

Json known_hashes() {
  Json known = Json::array();
  for (const auto& [file, entry] : memo().all()) {
    const FileStamp& stamp = entry.stamp;
    known.push_back(
        {file, {stamp.device, stamp.inode, stamp.bytes, stamp.modified_ns, stamp.changed_ns}, entry.value});
  }
  return known;
}

void learn_hashes(const Json& known) {
  if (!known.is_array()) return;
  for (const Json& each : known) {
    const bool good = each.is_array() && each.size() == 3 && each[0].is_string() && each[1].is_array() &&
                      each[1].size() == 5 && each[2].is_string() &&
                      std::ranges::all_of(each[1], [](const Json& part) { return part.is_number_integer(); });
    if (!good) continue;
    const Json& stamp = each[1];
    memo().learn(each[0], {{.device = stamp[0],
                            .inode = stamp[1],
                            .bytes = stamp[2],
                            .modified_ns = stamp[3],
                            .changed_ns = stamp[4]},
                           each[2]});
  }
}

}  // namespace hvsim::sim
