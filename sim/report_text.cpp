// Formatting without locale, so that output is the same everywhere.
#include "sim/report_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace hvsim::sim {
namespace {

std::string printed(const char* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return left ? text + space : space + text;
}

}  // namespace

std::string grouped(std::uint64_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

std::string scaled(double value) {
  const double size = std::abs(value);
  if (size >= 1e9) return printed("%.2fG", value / 1e9);
  if (size >= 1e6) return printed("%.2fM", value / 1e6);
  if (size >= 1e4) return printed("%.1fk", value / 1e3);
  return printed("%.0f", value);
}

std::string percent(double part, double whole) {
  return whole == 0 ? "-" : printed("%.1f%%", 100 * part / whole);
}

std::string ratio(double value, double count, int digits) {
  return count == 0 ? "-" : printed(digits == 1 ? "%.1f" : "%.2f", value / count);
}

std::string columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows[r].size(); ++i)
      line += (i > 0 ? "  " : "") + padded(rows[r][i], widths[i], i == 0);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
    if (r > 0) continue;
    std::size_t total = 2 * (widths.size() - 1);
    for (const std::size_t width : widths) total += width;
    text += std::string(total, '-') + "\n";
  }
  return text;
}

std::string paragraph(const std::string& text, std::size_t indent) {
  std::string result, line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > kReportWidth) {
      result += line + "\n";
      line = std::string(indent, ' ') + word;
    } else {
      line += (line.empty() ? "" : " ") + word;
    }
  }
  return result + line + "\n";
}

}  // namespace hvsim::sim
