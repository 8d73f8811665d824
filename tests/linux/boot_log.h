// What two boots of one kernel said, line by line, but for what may differ.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hvsim::linux_boot {

// A line that only one machine prints, or prints otherwise, and why that is right.
struct Difference {
  std::string pattern;  // of the normalized line (ECMAScript, searched)
  std::string why;
  bool always = true;  // false: the reference says it when the host is busy; the other machine never may
};

// Without carriage returns, time stamps and addresses; measured quantities are replaced by '#'.
std::string normalized(std::string_view line);

// nearby: a kernel's threads may overtake each other, a line moves by a few; any: so do harts that come up
// together
enum class Order { nearby, any };

// Empty if both say the same; else the lines in question, "- " from `expected`, the reference, and "+ " from
// `actual`. Blank lines do not count.
std::string compare(const std::string& expected, const std::string& actual,
                    const std::vector<Difference>& known, Order order);

// Patterns that should explain a line and explain none of either log: a list of differences must not outlive
// its reasons.
std::vector<std::string> unused(const std::string& one, const std::string& other,
                                const std::vector<Difference>& known);

}  // namespace hvsim::linux_boot
