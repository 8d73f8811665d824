// A sink that remembers what every line was last driven to, and how often.
#pragma once

#include <map>

#include "models/irq/sink.h"

namespace hvsim::irq {

class RecordedLines final : public Sink {
 public:
  void set_level(unsigned line, bool high) override {
    levels_[line] = high;
    ++changes_[line];
  }
  bool high(unsigned line) const { return levels_.contains(line) && levels_.at(line); }
  int changes(unsigned line) const { return changes_.contains(line) ? changes_.at(line) : 0; }

 private:
  std::map<unsigned, bool> levels_;
  std::map<unsigned, int> changes_;
};

}  // namespace hvsim::irq
