// Numbers, columns and paragraphs for a hundred-column terminal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace hvsim::sim {

inline constexpr std::size_t kReportWidth = 100;

std::string grouped(std::uint64_t value);                       // 1234567 -> "1,234,567"
std::string scaled(double value);                               // 1234567 -> "1.23M"; keeps a minus sign
std::string percent(double part, double whole);                 // "12.3%", "-" of nothing
std::string ratio(double value, double count, int digits = 1);  // "412.3", "-" when count is 0

// Rows of cells; the first column is left-aligned, all others right-aligned. The first row is underlined.
std::string columns(const std::vector<std::vector<std::string>>& rows);

// Breaks at spaces; lines after the first are indented.
std::string paragraph(const std::string& text, std::size_t indent);

}  // namespace hvsim::sim
