// One function per monitor command, and the table that `monitor help` prints.
#include "sim/gdb/monitor.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>
#include <vector>

#include "sim/statistics_names.h"

namespace hvsim::gdb {
namespace {

using Words = std::vector<std::string>;

Words split(std::string_view text) {
  Words words;
  std::string word;
  for (const char c : text) {
    if (c != ' ' && c != '\t') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) words.push_back(word);
  return words;
}

// Decimal, or hexadecimal with 0x.
std::optional<std::uint64_t> number(std::string_view text) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  if (is_hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

template <class... Arguments>
std::string line(const char* format, Arguments... arguments) {
  char text[200];
  std::snprintf(text, sizeof text, format, arguments...);
  return std::string(text) + "\n";
}

std::string phys(Target& target, ThreadId, const Words& words) {
  constexpr std::uint64_t most = 4096;
  const auto address = words.size() > 1 ? number(words[1]) : std::nullopt;
  const auto bytes = words.size() > 2 ? number(words[2]) : std::optional<std::uint64_t>(16);
  if (!address || !bytes || *bytes == 0 || *bytes > most) return "usage: phys ADDRESS [BYTES], 1 to 4096\n";
  const std::string data = target.read_physical(*address, *bytes);
  std::string text;
  for (std::size_t at = 0; at < data.size(); at += 16) {
    char head[24];
    std::snprintf(head, sizeof head, "0x%llx:", static_cast<unsigned long long>(*address + at));
    text += head;
    for (std::size_t i = at; i < std::min(at + 16, data.size()); ++i) {
      char byte[4];
      std::snprintf(byte, sizeof byte, " %02x", static_cast<unsigned char>(data[i]));
      text += byte;
    }
    text += "\n";
  }
  if (data.size() < *bytes)
    text += line("no memory at physical 0x%llx", static_cast<unsigned long long>(*address + data.size()));
  return text;
}

std::string translate(Target& target, ThreadId current, const Words& words) {
  const auto address = words.size() > 1 ? number(words[1]) : std::nullopt;
  if (!address) return "usage: translate ADDRESS\n";
  return target.explain(current, *address);
}

std::string choose_space(Target& target, ThreadId, const Words& words) {
  std::string known;
  for (const SpaceName& entry : kSpaces) {
    if (words.size() > 1 && words[1] == entry.name) target.space = entry.space;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  for (const SpaceName& entry : kSpaces)
    if (target.space == entry.space)
      return "addresses are " + std::string(entry.name) + "; there are: " + known + "\n";
  return {};
}

std::string harts(Target& target, ThreadId, const Words&) {
  std::string text;
  for (unsigned hart = 0; hart < target.machine().harts(); ++hart) {
    const cpu::HartState& state = target.machine().hart(hart).hart_state();
    text += target.describe_hart(hart) + line(", pc 0x%llx, cycle %llu",
                                              static_cast<unsigned long long>(state.pc),
                                              static_cast<unsigned long long>(state.cycle));
  }
  return text;
}

std::string vcpus(Target& target, ThreadId, const Words&) {
  const std::string text = target.vcpus();
  return text.empty() ? "no VCPUs: our hypervisor does not run, or not yet\n" : text;
}

std::string marks(Target& target, ThreadId, const Words&) {
  std::map<std::uint32_t, cpu::MarkTotals> totals;
  for (unsigned hart = 0; hart < target.machine().harts(); ++hart)
    for (const auto& [vm, of_hart] : target.machine().hart(hart).accountant().marks()) {
      totals[vm].work_done += of_hart.work_done;
      totals[vm].hypercalls_done += of_hart.hypercalls_done;
    }
  std::string text;
  for (const auto& [vm, total] : totals)
    text += line("VM %s: work %llu, hypercalls %llu", vm == cpu::kNoVm ? "-" : target.vm_name(vm).c_str(),
                 static_cast<unsigned long long>(total.work_done),
                 static_cast<unsigned long long>(total.hypercalls_done));
  return text.empty() ? "no marks yet\n" : text;
}

std::string exits(Target& target, ThreadId, const Words&) {
  std::map<std::pair<std::uint32_t, std::string>, statistics::Histogram> totals;
  for (unsigned hart = 0; hart < target.machine().harts(); ++hart)
    for (const auto& [key, lengths] : target.machine().hart(hart).accountant().exits())
      totals[{key.vm, sim::exit_name(key.cause)}].merge(lengths);
  std::string text;
  for (const auto& [key, total] : totals)
    text += line(
        "VM %s: %s: %llu %s, %llu cycles", key.first == cpu::kNoVm ? "-" : target.vm_name(key.first).c_str(),
        key.second.c_str(), static_cast<unsigned long long>(total.count()),
        key.second == sim::kResumed ? "times" : "exits", static_cast<unsigned long long>(total.sum()));
  return text.empty() ? "no guest has been left yet\n" : text;
}

std::string only(Target& target, ThreadId, const Words& words) {
  if (words.size() > 1) {
    const auto vm = target.vm_of(words[1]);
    if (!vm && words[1] != "all") return "no VM " + words[1] + "\n";
    target.whose_points = vm.value_or(target.everybody());
  }
  if (target.whose_points == target.everybody()) return "breakpoints and watchpoints stop everybody\n";
  return "breakpoints and watchpoints stop VM " + target.vm_name(target.whose_points) + " only\n";
}

struct Command {
  const char* name;
  const char* help;
  std::string (*run)(Target&, ThreadId, const Words&);
};

constexpr std::array kCommands = std::to_array<Command>({
    {"phys", "phys ADDRESS [BYTES]: memory at a physical address", phys},
    {"translate", "translate ADDRESS: the page walk of the current hart, PTE by PTE", translate},
    {"space", "space [NAME]: whose addresses GDB's are", choose_space},
    {"only", "only [VM | all]: whom breakpoints and watchpoints stop", only},
    {"harts", "harts: where each hart stands", harts},
    {"vcpus", "vcpus: where each VCPU is", vcpus},
    {"marks", "marks: what guests and hypervisor have announced", marks},
    {"exits", "exits: how often and why guests were left", exits},
});

}  // namespace

std::string run_monitor_command(Target& target, ThreadId current, std::string_view command) {
  const Words words = split(command);
  for (const Command& known : kCommands)
    if (!words.empty() && words[0] == known.name) return known.run(target, current, words);
  std::string text;
  if (!words.empty() && words[0] != "help") text = "no command " + words[0] + "; there are:\n";
  for (const Command& known : kCommands) text += std::string(known.help) + "\n";
  return text;
}

}  // namespace hvsim::gdb
