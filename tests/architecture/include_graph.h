// Who includes whom, read from the text of the sources.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hvsim::architecture {

struct Include {
  std::string name;
  bool system = false;  // <name>, else "name"
  unsigned line = 0;
};

struct Source {
  std::string path;  // relative to the root, with forward slashes
  std::string text;
};

// The text without comments and without the contents of string literals; line breaks stay.
std::string without_comments(std::string_view text);

struct Word {
  std::string text;  // "std::name" where the code says so
  unsigned line = 0;
};

// Identifiers, keywords and numbers of the code, but for #include lines.
std::vector<Word> words_of(std::string_view text);

// The #include lines of one file, in order.
std::vector<Include> includes_of(std::string_view text);

// Paths of all sources, and for each what it includes.
using IncludeGraph = std::map<std::string, std::vector<Include>>;
IncludeGraph include_graph(const std::vector<Source>& sources);

// All system headers that a file reaches, through any number of the graph's own files.
std::set<std::string> system_headers_reached(const IncludeGraph& graph, const std::string& path);

// Every C++, assembly and table source below the given folders of `root`, sorted by path.
std::vector<Source> read_sources(const std::string& root, const std::vector<std::string>& folders);

}  // namespace hvsim::architecture
