// The way between a session and whoever holds it: JSON objects, a line each, both ways through one
// descriptor.
#pragma once

#include <optional>
#include <string>

#include "sim/json_document.h"

namespace hvsim::session {

using Json = sim::Json;

class Channel {
 public:
  explicit Channel(int descriptor) : descriptor_(descriptor) {}

  // The next line; `wait`: until there is one. Nothing: there is none, or the other side has gone (closed()).
  std::optional<std::string> receive(bool wait);
  void put_back(const std::string& line) { pending_.insert(0, line + "\n"); }
  bool closed() const { return closed_; }
  // What this process sends from here on, by whatever way, goes nowhere.
  void be_silent();
  void send(const Json& message);

 private:
  bool fill(bool wait);
  int descriptor_;
  std::string pending_;
  bool closed_ = false;
};

}  // namespace hvsim::session
