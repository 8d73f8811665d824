// From one step of a script to the next.
#include "sim/typist.h"

#include <fstream>
#include <iterator>

namespace hvsim::sim {

Typist::Typist(std::vector<TypingStep> script, unsigned clock_mhz, Agenda& agenda, Clock now, Type type)
    : script_(std::move(script)),
      clock_mhz_(clock_mhz),
      agenda_(agenda),
      now_(std::move(now)),
      type_(std::move(type)),
      entry_(agenda_.add([this] { type_now(); })) {
  await_next();
}

void Typist::await_next() {
  if (next_ == script_.size()) return;
  const TypingStep& step = script_[next_];
  seen_.clear();
  watching_ = !step.expect.empty();
  if (!watching_) agenda_.arm(entry_, now_() + step.after_us * clock_mhz_);
}

void Typist::shown(std::uint8_t character) {
  if (!watching_) return;
  const TypingStep& step = script_[next_];
  seen_ += static_cast<char>(character);
  if (seen_.size() > step.expect.size()) seen_.erase(0, 1);
  if (seen_ != step.expect) return;
  watching_ = false;
  agenda_.arm(entry_, now_() + step.after_us * clock_mhz_);
}

void Typist::type_now() {
  const TypingStep& step = script_[next_++];
  await_next();  // before the text is typed: a guest may answer at once
  type_(step.send);
}

isa::Result<std::vector<TypingStep>, std::string> typing_script(const TypingConfig& config) {
  std::vector<TypingStep> script;
  if (!config.input.empty()) script.push_back({.send = config.input});
  if (!config.input_file.empty()) {
    std::ifstream stream(config.input_file, std::ios::binary);
    script.push_back({.send = {std::istreambuf_iterator<char>(stream), {}}});
    if (!stream) return isa::Failure{"\"" + config.input_file + "\": cannot be read"};
  }
  script.insert(script.end(), config.script.begin(), config.script.end());
  return script;
}

}  // namespace hvsim::sim
