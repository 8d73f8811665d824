// A level-driven interrupt line's receiving end.
#pragma once

namespace hvsim::irq {

class Sink {
 public:
  virtual ~Sink() = default;
  virtual void set_level(unsigned line, bool high) = 0;
};

}  // namespace hvsim::irq
