// Hashes of texts and of files, equal on every host. What a file held is remembered until it is touched:
// a sweep asks for the same images again and again.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "sim/json_document.h"

namespace hvsim::sim {

std::string hash_text(std::string_view text);    // 16 hexadecimal digits
std::string hash_file(const std::string& file);  // of its contents; empty if it cannot be read

// What this process has hashed, for other processes of this host: a list of [file, its stamp, hash].
Json known_hashes();
// Anything else than such a list is passed over.
void learn_hashes(const Json& known);

// What tells whether a file was touched. Two writes within one tick of the file system's clock leave the
// same, so that of a file that has just been written tells nothing.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, bytes = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;

  static FileStamp of(const std::string& file);
  bool tells() const { return inode != 0; }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

inline std::atomic<bool> files_are_frozen = false;

// A worker is one run: while this lives, everything in files is taken to be what it was when it was last
// asked for, so that what is said of a run at its end fits what it loaded.
class FrozenFiles {
 public:
  FrozenFiles() { files_are_frozen = true; }
  ~FrozenFiles() { files_are_frozen = false; }
  FrozenFiles(const FrozenFiles&) = delete;
  FrozenFiles& operator=(const FrozenFiles&) = delete;
};

// What was found in files, as long as they are not touched. For all threads.
template <class T>
class FileMemo {
 public:
  struct Entry {
    FileStamp stamp;
    T value;
  };

  T of(const std::string& file, const std::function<T()>& read) {
    const FileStamp before = FileStamp::of(file);
    {
      const std::lock_guard guard(lock_);
      const auto found = entries_.find(file);
      if (found != entries_.end() && (files_are_frozen || (before.tells() && found->second.stamp == before)))
        return found->second.value;
    }
    T value = read();
    FileStamp after = FileStamp::of(file);
    if (after != before) after = {};
    const std::lock_guard guard(lock_);
    entries_.insert_or_assign(file, Entry{after, value});
    return value;
  }
  std::map<std::string, Entry> all() const {
    const std::lock_guard guard(lock_);
    return entries_;
  }
  void learn(const std::string& file, Entry entry) {
    const std::lock_guard guard(lock_);
    entries_.insert_or_assign(file, std::move(entry));
  }

 private:
  mutable std::mutex lock_;
  std::map<std::string, Entry> entries_;
};

}  // namespace hvsim::sim
