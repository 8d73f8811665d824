// Types into a console what a config says, when it says so: after a time, or once the console has shown
// something.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "models/state/archive_forward.h"
#include "sim/agenda.h"
#include "sim/config.h"

namespace hvsim::sim {

class Typist {
 public:
  using Clock = std::function<isa::Cycles()>;
  using Type = std::function<void(std::string_view)>;

  Typist(std::vector<TypingStep> script, unsigned clock_mhz, Agenda& agenda, Clock now, Type type);

  // A character that the console shows.
  void shown(std::uint8_t character);
  void persist(state::Archive& archive);

 private:
  void await_next();
  void type_now();

  std::vector<TypingStep> script_;
  unsigned clock_mhz_;
  Agenda& agenda_;
  Clock now_;
  Type type_;
  unsigned entry_;
  std::size_t next_ = 0;
  bool watching_ = false;
  std::string seen_;  // the end of what was shown since the last step, as long as what is expected
};

// A config's input, wherever it stands, as one script.
isa::Result<std::vector<TypingStep>, std::string> typing_script(const TypingConfig& config);

}  // namespace hvsim::sim
