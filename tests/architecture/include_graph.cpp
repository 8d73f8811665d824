// Reads sources and their #include lines.
#include "tests/architecture/include_graph.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace hvsim::architecture {
namespace {

// Where the comment, string or character that starts at `at` ends.
std::size_t end_of_comment(std::string_view text, std::size_t at) {
  const bool line = text[at + 1] == '/';
  const std::size_t end = text.find(line ? "\n" : "*/", at + 2);
  if (end == std::string_view::npos) return text.size();
  return line ? end : end + 2;
}

std::size_t end_of_literal(std::string_view text, std::size_t at) {
  const char quote = text[at];
  for (std::size_t i = at + 1; i < text.size() && text[i] != '\n'; ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      return i + 1;
    }
  }
  return at + 1;  // a digit separator or an apostrophe
}

bool starts_comment(std::string_view text, std::size_t at) {
  return text[at] == '/' && at + 1 < text.size() && (text[at + 1] == '/' || text[at + 1] == '*');
}

bool on_include_line(std::string_view text, std::size_t at) {
  const std::size_t before = text.rfind('\n', at);
  const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
  return text.substr(start, at - start).find("include") != std::string_view::npos;
}

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

// "# include <name>": what a line includes, if it does.
std::optional<Include> parse_include(std::string_view line, unsigned number) {
  line = without_spaces(line);
  if (!line.starts_with('#')) return std::nullopt;
  line = without_spaces(line.substr(1));
  if (!line.starts_with("include")) return std::nullopt;
  line = without_spaces(line.substr(7));
  if (line.empty() || (line[0] != '<' && line[0] != '"')) return std::nullopt;
  const bool system = line[0] == '<';
  const std::size_t end = line.find(system ? '>' : '"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  return Include{.name = std::string(line.substr(1, end - 1)), .system = system, .line = number};
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::vector<Word> words_of(std::string_view text) {
  std::vector<Word> words;
  std::istringstream lines(without_comments(text));
  std::string line;
  for (unsigned number = 1; std::getline(lines, line); ++number) {
    if (parse_include(line, number)) continue;
    for (std::size_t at = 0; at < line.size();) {
      std::size_t end = at;
      while (end < line.size() && is_word(line[end])) ++end;
      if (end > at) {
        const bool of_std = at >= 5 && line.compare(at - 5, 5, "std::") == 0;
        words.push_back({.text = (of_std ? "std::" : "") + line.substr(at, end - at), .line = number});
      }
      at = end + 1;
    }
  }
  return words;
}

std::string without_comments(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (starts_comment(text, at)) {
      const std::size_t end = end_of_comment(text, at);
      out.append(static_cast<std::size_t>(std::count(text.begin() + static_cast<std::ptrdiff_t>(at),
                                                     text.begin() + static_cast<std::ptrdiff_t>(end), '\n')),
                 '\n');
      at = end;
    } else if ((text[at] == '"' || text[at] == '\'') && !on_include_line(text, at)) {
      out += text[at];
      at = end_of_literal(text, at);
      out += text[at - 1];
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::vector<Include> includes_of(std::string_view text) {
  std::vector<Include> includes;
  std::istringstream lines(without_comments(text));
  std::string line;
  for (unsigned number = 1; std::getline(lines, line); ++number)
    if (auto include = parse_include(line, number)) includes.push_back(std::move(*include));
  return includes;
}

IncludeGraph include_graph(const std::vector<Source>& sources) {
  IncludeGraph graph;
  for (const Source& source : sources) graph[source.path] = includes_of(source.text);
  return graph;
}

std::set<std::string> system_headers_reached(const IncludeGraph& graph, const std::string& path) {
  std::set<std::string> reached;
  std::set<std::string> seen{path};
  std::vector<std::string> open{path};
  while (!open.empty()) {
    const auto node = graph.find(open.back());
    open.pop_back();
    if (node == graph.end()) continue;
    for (const Include& include : node->second) {
      if (include.system) {
        reached.insert(include.name);
      } else if (seen.insert(include.name).second) {
        open.push_back(include.name);
      }
    }
  }
  return reached;
}

std::vector<Source> read_sources(const std::string& root, const std::vector<std::string>& folders) {
  namespace fs = std::filesystem;
  static const std::set<std::string> kinds{".h", ".cpp", ".def", ".inc", ".S"};
  std::vector<Source> sources;
  for (const std::string& folder : folders) {
    if (!fs::exists(fs::path(root) / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(root) / folder)) {
      if (!entry.is_regular_file() || !kinds.contains(entry.path().extension().string())) continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      sources.push_back({.path = fs::relative(entry.path(), root).generic_string(), .text = text.str()});
    }
  }
  std::sort(sources.begin(), sources.end(), [](const Source& a, const Source& b) { return a.path < b.path; });
  return sources;
}

}  // namespace hvsim::architecture
