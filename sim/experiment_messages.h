// What a worker process tells the one that started it: one JSON object per line.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "models/cpu/isa/types.h"
#include "sim/simulation.h"
#include "sim/statistics.h"

namespace hvsim::sim {

struct Finished {
  int exit_code = 0;
  std::string directory;
  std::string result_hash;
  std::string detail;  // why a run did not pass
  RunSummary summary;
};

// Writes to a descriptor; a vanished reader is not an error of the run.
class MessageWriter {
 public:
  explicit MessageWriter(int descriptor) : descriptor_(descriptor) {}
  void advanced(isa::Cycles now, std::uint64_t retired);
  void console(std::string_view text);
  void stage(Stage stage);                   // for whoever limits a run's time
  void refused(const std::string& line);     // a mistake of the user
  void unwritable(const std::string& line);  // the host has no place for the results
  void finished(const Finished& finished);

 private:
  void send(const std::string& line);
  int descriptor_;
};

struct MessageHandler {
  std::function<void(isa::Cycles, std::uint64_t)> advanced;
  std::function<void(std::string_view)> console;
  std::function<void(const std::string&)> refused;  // the host, too, for want of place
  std::function<void(const Finished&)> finished;
};

// Takes bytes as they come, calls the handler once per complete line.
class MessageParser {
 public:
  explicit MessageParser(MessageHandler handler) : handler_(std::move(handler)) {}
  void feed(std::string_view bytes);

 private:
  void handle(const std::string& line);
  MessageHandler handler_;
  std::string pending_;
};

}  // namespace hvsim::sim
