// A debugger's way in: a loopback TCP port or a Unix socket, one peer at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "models/cpu/isa/result.h"

namespace hvsim::gdb {

// Where to listen: "" or "PORT" (0: any free one) on the loopback interface, or "unix:PATH".
class Listener {
 public:
  static isa::Result<Listener, std::string> open(const std::string& where);
  Listener(Listener&& other) noexcept;
  Listener& operator=(Listener&&) = delete;
  ~Listener();

  const std::string& target() const { return target_; }  // what GDB's `target remote` wants
  // A new peer, if one is there; `wait`: until one is.
  std::optional<int> accept(bool wait) const;

 private:
  Listener(int descriptor, std::string target, std::string path);
  int descriptor_;
  std::string target_;
  std::string path_;  // of a Unix socket, removed at the end
};

class Connection {
 public:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // What has come; `wait`: at least one byte. Nothing: the peer has gone. Empty: nothing there now.
  std::optional<std::string> receive(bool wait);
  bool send(std::string_view bytes);

 private:
  int descriptor_;
};

}  // namespace hvsim::gdb
