// The lines of Hypervisor::end_vm().
#include "sim/vm_ends.h"

#include <array>
#include <optional>

namespace hvsim::sim {
namespace {

constexpr std::string_view kFrom = "[hv] ", kKilled = "killed: ", kReboot = "wanted to reboot, reason ",
                           kGood[] = {"powered off, code 0", "shut down, reason 0"};
constexpr std::array kBeginnings{kKilled, kReboot, std::string_view("powered off, code "),
                                 std::string_view("shut down, reason ")};

// Names may hold colons: the words behind tell where they end.
std::optional<VmEnd> read_end(std::string_view line) {
  if (!line.starts_with(kFrom)) return std::nullopt;
  line.remove_prefix(kFrom.size());
  for (std::size_t colon = 0; (colon = line.find(": ", colon)) != std::string_view::npos; ++colon)
    for (const std::string_view beginning : kBeginnings)
      if (line.substr(colon + 2).starts_with(beginning))
        return VmEnd{std::string(line.substr(0, colon)), std::string(line.substr(colon + 2))};
  return std::nullopt;
}

}  // namespace

bool VmEnd::failed() const {
  for (const std::string_view good : kGood)
    if (how == good) return false;
  return true;
}

std::vector<VmEnd> vm_ends(std::string_view console) {
  std::vector<VmEnd> ends;
  while (!console.empty()) {
    const std::size_t end = console.find('\n');
    std::string_view line = console.substr(0, end);
    console.remove_prefix(end == std::string_view::npos ? console.size() : end + 1);
    while (line.ends_with('\r')) line.remove_suffix(1);
    if (auto found = read_end(line)) ends.push_back(std::move(*found));
  }
  return ends;
}

}  // namespace hvsim::sim
