// Normalizing by regular expressions, comparing by the longest common subsequence.
#include "tests/linux/boot_log.h"

#include <algorithm>
#include <cstdint>
#include <regex>
#include <sstream>

namespace hvsim::linux_boot {
namespace {

struct Rewrite {
  std::regex what;
  std::string with;
};

const std::vector<Rewrite>& rewrites() {
  static const std::vector<Rewrite> all{
      {std::regex(R"(\r)"), ""},
      {std::regex(R"(^\[ *[0-9]+\.[0-9]+\] )"), ""},
      {std::regex(R"(0x[0-9a-fA-F]+|\b[0-9a-f]{16}\b)"), "0x#"},
      {std::regex(R"([0-9]+(\.[0-9]+)? ?(ms|ns|us|msec|usec)\b)"), "# time"},
      {std::regex(
           R"(Ratio of byte access time to unaligned word access is [0-9.]+, unaligned accesses are \w+)"),
       "Ratio is #"},
      {std::regex(R"(audit\([0-9.:]+\))"), "audit(#)"},
      {std::regex(R"(setting system clock to .*)"), "setting system clock to #"},
      {std::regex(R"(^kvm \[[0-9]+\]:)"), "kvm [#]:"},  // the process that loaded it
      // The sizes of what firmware and device tree reserve, and of the initramfs in pages.
      {std::regex(R"(^Memory: [0-9]+K/)"), "Memory: #/"},
      {std::regex(R"(, [0-9]+K reserved,)"), ", # reserved,"},
      {std::regex(R"(^MemTotal: [0-9]+ kB)"), "MemTotal: #"},
  };
  return all;
}

std::vector<std::string> lines_of(const std::string& log) {
  std::vector<std::string> lines;
  std::istringstream in(log);
  for (std::string line; std::getline(in, line);) lines.push_back(normalized(line));
  std::erase_if(lines,
                [](const std::string& line) { return line.find_first_not_of(' ') == std::string::npos; });
  return lines;
}

bool explains(const Difference& difference, const std::string& line) {
  return std::regex_search(line, std::regex(difference.pattern));
}

struct Edit {
  char sign;
  std::size_t at;  // line number of its side
  std::string line;
};

// The lines that are not part of the longest common subsequence.
std::vector<Edit> edit_script(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::vector<std::uint32_t>> common(a.size() + 1, std::vector<std::uint32_t>(b.size() + 1, 0));
  for (std::size_t i = a.size(); i-- > 0;)
    for (std::size_t j = b.size(); j-- > 0;)
      common[i][j] = a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
  std::vector<Edit> script;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      ++i, ++j;
    } else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      script.push_back({'-', i, a[i]});
      ++i;
    } else {
      script.push_back({'+', j, b[j]});
      ++j;
    }
  }
  return script;
}

constexpr std::size_t kNearby = 10;

// Takes out pairs that only moved by a few lines.
void forgive_moves(std::vector<Edit>& script) {
  for (std::size_t i = 0; i < script.size(); ++i) {
    const auto moved = std::find_if(
        script.begin() + static_cast<std::ptrdiff_t>(i) + 1, script.end(), [&](const Edit& other) {
          const std::size_t distance = std::max(script[i].at, other.at) - std::min(script[i].at, other.at);
          return other.sign != script[i].sign && other.line == script[i].line && distance <= kNearby;
        });
    if (moved == script.end()) continue;
    script.erase(moved);
    script.erase(script.begin() + static_cast<std::ptrdiff_t>(i--));
  }
}

enum class Side : std::uint8_t { reference, other };

// The normalized lines that no difference explains.
std::vector<std::string> comparable(const std::string& log, const std::vector<Difference>& known, Side side) {
  std::vector<std::string> lines = lines_of(log);
  for (const Difference& difference : known) {
    if (side == Side::other && !difference.always) continue;
    const std::regex pattern(difference.pattern);
    std::erase_if(lines, [&](const std::string& line) { return std::regex_search(line, pattern); });
  }
  return lines;
}

}  // namespace

std::string normalized(std::string_view line) {
  std::string text(line);
  for (const Rewrite& rewrite : rewrites()) text = std::regex_replace(text, rewrite.what, rewrite.with);
  return text;
}

std::string compare(const std::string& expected, const std::string& actual,
                    const std::vector<Difference>& known, Order order) {
  std::vector<std::string> left = comparable(expected, known, Side::reference),
                           right = comparable(actual, known, Side::other);
  if (order == Order::any) {
    std::ranges::sort(left);
    std::ranges::sort(right);
  }
  std::vector<Edit> script = edit_script(left, right);
  forgive_moves(script);
  std::string text;
  for (const Edit& edit : script) text += std::string(1, edit.sign) + " " + edit.line + "\n";
  return text;
}

std::vector<std::string> unused(const std::string& one, const std::string& other,
                                const std::vector<Difference>& known) {
  std::vector<std::string> lines = lines_of(one), more = lines_of(other), patterns;
  lines.insert(lines.end(), more.begin(), more.end());
  for (const Difference& difference : known)
    if (difference.always &&
        std::ranges::none_of(lines, [&](const std::string& line) { return explains(difference, line); }))
      patterns.push_back(difference.pattern);
  return patterns;
}

}  // namespace hvsim::linux_boot
