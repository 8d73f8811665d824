// One function per kind of packet.
#include "sim/gdb/server.h"

#include <algorithm>

#include "sim/gdb/monitor.h"
#include "sim/gdb/packet.h"
#include "sim/gdb/registers.h"

namespace hvsim::gdb {
namespace {

constexpr char kOk[] = "OK", kError[] = "E01", kNoMemory[] = "E0e", kNoThread[] = "E03";
constexpr std::uint64_t kLongestRead = kMaxPacketBytes / 2 - 16;

// "ADDRESS,LENGTH"
struct Range {
  std::uint64_t address, bytes;
};
std::optional<Range> parse_range(std::string_view text) {
  const auto address = parse_hex(cut(text, ','));
  const auto bytes = parse_hex(text);
  if (!address || !bytes) return std::nullopt;
  return Range{*address, *bytes};
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

Server::Server(Target& target, std::function<void(const std::string&)> say)
    : target_(target), say_(std::move(say)) {}

void Server::connected() {
  acknowledges_ = true;
  shows_breakpoints_ = false;
  target_.space = Space::current;
  target_.whose_points = target_.everybody();
}

Server::Answer Server::handle(const std::string& packet) {
  std::string_view text = packet;
  if (text.empty()) return {.reply = "", .verdict = {}};
  if (take_prefix(text, "vCont?")) return {.reply = "vCont;c;C;s;S", .verdict = {}};
  if (take_prefix(text, "vCont;")) return resume(text);
  if (take_prefix(text, "vKill")) return {.reply = kOk, .verdict = Verdict{.kind = Verdict::Kind::kill}};
  if (take_prefix(text, "QStartNoAckMode")) {
    acknowledges_ = false;
    return {.reply = kOk, .verdict = {}};
  }
  const char command = text[0];
  text.remove_prefix(1);
  switch (command) {
    case '?':
      return {.reply = stop_reply(), .verdict = {}};
    case 'c':
    case 'C':
      return resume("c");
    case 's':
    case 'S':
      return resume("s:" + hex(current_) + ";c");
    case 'D':
      return {.reply = kOk, .verdict = Verdict{.kind = Verdict::Kind::detach}};
    case 'k':
      return {.reply = {}, .verdict = Verdict{.kind = Verdict::Kind::kill}};
    case 'g':
      return {.reply = registers(), .verdict = {}};
    case 'G':
      return {.reply = write_registers(text), .verdict = {}};
    case 'p':
      return {.reply = read_register(text), .verdict = {}};
    case 'P':
      return {.reply = write_register(text), .verdict = {}};
    case 'm':
      return {.reply = read_memory(text), .verdict = {}};
    case 'M':
    case 'X':
      return {.reply = write_memory(text, command == 'X'), .verdict = {}};
    case 'Z':
    case 'z':
      return {.reply = point(text, command == 'Z'), .verdict = {}};
    case 'H':
      return {.reply = select_thread(text), .verdict = {}};
    case 'T': {
      return {.reply = thread(text) ? kOk : kNoThread, .verdict = {}};
    }
    case 'q':
      return query(text);
    default:
      return {.reply = "", .verdict = {}};
  }
}

Server::Answer Server::query(std::string_view text) {
  auto answer = [](std::string reply) { return Answer{.reply = std::move(reply), .verdict = {}}; };
  if (take_prefix(text, "Supported")) {
    shows_breakpoints_ = text.find("swbreak+") != std::string_view::npos;
    return answer("PacketSize=" + hex(kMaxPacketBytes) +
                  ";qXfer:features:read+;vContSupported+;QStartNoAckMode+;swbreak+;hwbreak+");
  }
  if (take_prefix(text, "Xfer:features:read:target.xml:")) return answer(features(text));
  if (text == "fThreadInfo") return answer("m" + thread_list());
  if (text == "sThreadInfo") return answer("l");
  if (take_prefix(text, "ThreadExtraInfo,")) return answer(thread_info(text));
  if (text == "C") return answer("QC" + hex(current_));
  if (take_prefix(text, "Attached")) return answer("1");
  if (take_prefix(text, "Symbol")) return answer(kOk);
  if (take_prefix(text, "Rcmd,")) return answer(monitor(text));
  return answer("");
}

// "ACTION[:THREAD];...": the leftmost action that names a thread, or all, is the thread's.
Server::Answer Server::resume(std::string_view actions) {
  std::vector<std::optional<Go>> chosen(target_.threads());
  while (!actions.empty()) {
    std::string_view id = cut(actions, ';');
    const std::string_view action = cut(id, ':');
    if (action.empty()) return {.reply = kError, .verdict = {}};
    Go go{};
    switch (action[0]) {
      case 'c':
      case 'C':
        go = Go::run;
        break;
      case 's':
      case 'S':
        go = Go::step;
        break;
      default:
        return {.reply = kError, .verdict = {}};
    }
    if (id.empty() || id == "-1") {
      for (auto& each : chosen)
        if (!each) each = go;
    } else {
      const auto named = thread(id);
      if (!named) return {.reply = kNoThread, .verdict = {}};
      auto& each = chosen[*named - 1];
      if (!each) each = go;
    }
  }
  Verdict verdict{.kind = Verdict::Kind::resume};
  for (const auto& each : chosen) verdict.threads.push_back(each.value_or(Go::stay));
  return {.reply = {}, .verdict = std::move(verdict)};
}

std::string Server::features(std::string_view text) const {
  const auto range = parse_range(text);
  const std::string xml = target_.description();
  if (!range || range->address > xml.size()) return kError;
  const std::string part = xml.substr(range->address, std::min(range->bytes, kLongestRead));
  return (range->address + part.size() < xml.size() ? "m" : "l") + part;
}

std::string Server::registers() const {
  std::string text;
  for (unsigned number = 0; number <= kPcRegister; ++number)
    text += hex_register(target_.read_register(current_, number).value_or(0));
  return text;
}

std::string Server::write_registers(std::string_view text) {
  constexpr std::size_t digits = 16;
  for (unsigned number = 0; number <= kPcRegister && text.size() >= digits; ++number) {
    const auto value = parse_hex_register(text.substr(0, digits));
    if (!value) return kError;
    if (value != target_.read_register(current_, number)) target_.write_register(current_, number, *value);
    text.remove_prefix(digits);
  }
  return kOk;
}

std::string Server::read_register(std::string_view text) const {
  const auto number = parse_hex(text);
  if (!number || *number >= kRegisters) return kError;
  const auto value = target_.read_register(current_, static_cast<unsigned>(*number));
  return value ? hex_register(*value) : kError;
}

std::string Server::write_register(std::string_view text) {
  const auto number = parse_hex(cut(text, '='));
  const auto value = parse_hex_register(text);
  if (!number || *number >= kRegisters || !value) return kError;
  return target_.write_register(current_, static_cast<unsigned>(*number), *value) ? kOk : kError;
}

std::string Server::read_memory(std::string_view text) const {
  const auto range = parse_range(text);
  if (!range) return kError;
  const std::string bytes =
      target_.read_memory(current_, range->address, std::min(range->bytes, kLongestRead));
  return bytes.empty() && range->bytes != 0 ? kNoMemory : hex_bytes(bytes);
}

std::string Server::write_memory(std::string_view text, bool binary) {
  const auto range = parse_range(cut(text, ':'));
  if (!range) return kError;
  const auto bytes = binary ? std::optional(std::string(text)) : parse_hex_bytes(text);
  if (!bytes || bytes->size() != range->bytes) return kError;
  if (bytes->empty()) return kOk;
  return target_.write_memory(current_, range->address, *bytes) ? kOk : kNoMemory;
}

// "TYPE,ADDRESS,KIND[;CONDITIONS]"; KIND is the length of what a watchpoint watches.
std::string Server::point(std::string_view text, bool insert) {
  const std::string_view type = cut(text, ',');
  const auto range = parse_range(cut(text, ';'));
  if (!range || type.size() != 1) return kError;
  const std::uint32_t whose = target_.whose_points;
  switch (type[0]) {
    case '0':
    case '1':
      if (insert)
        target_.insert_breakpoint({range->address, whose});
      else
        target_.remove_breakpoint(range->address);
      return kOk;
    case '2':
    case '3':
    case '4': {
      if (range->bytes == 0) return kError;
      const cpu::Watchpoint watch{.address = range->address,
                                  .bytes = range->bytes,
                                  .reads = type[0] != '2',
                                  .writes = type[0] != '3',
                                  .whose = whose};
      if (insert)
        target_.insert_watchpoint(watch);
      else
        target_.remove_watchpoint(watch);
      return kOk;
    }
    default:
      return "";
  }
}

std::optional<ThreadId> Server::thread(std::string_view text) const {
  if (text == "-1" || text == "0") return current_;
  const auto id = parse_hex(text);
  return id && target_.alive(*id) ? id : std::nullopt;
}

// "gTHREAD" chooses whose registers and memory are meant; "cTHREAD" is what vCont says better.
std::string Server::select_thread(std::string_view text) {
  if (text.empty() || (text[0] != 'g' && text[0] != 'c')) return kError;
  const auto id = thread(text.substr(1));
  if (!id) return kNoThread;
  if (text[0] == 'g') current_ = *id;
  return kOk;
}

std::string Server::thread_list() const {
  std::string text;
  for (ThreadId id = 1; id <= target_.threads(); ++id) text += (text.empty() ? "" : ",") + hex(id);
  return text;
}

std::string Server::thread_info(std::string_view text) const {
  const auto id = thread(text);
  if (!id) return kNoThread;
  return hex_bytes(target_.describe(*id));
}

std::string Server::monitor(std::string_view text) {
  const auto command = parse_hex_bytes(text);
  if (!command) return kError;
  say_(run_monitor_command(target_, current_, *command));
  return kOk;
}

std::string Server::stopped(const StopReport& report) {
  last_ = report;
  current_ = report.thread;
  return stop_reply();
}

std::string Server::stop_reply() const {
  char head[8];
  std::snprintf(head, sizeof head, "T%02x", last_.signal & 0xFF);
  std::string text = head;
  text += "thread:" + hex(last_.thread) + ";";
  if (last_.breakpoint && shows_breakpoints_) text += "swbreak:;";
  if (last_.watch) {
    const auto& points = target_.watchpoints();
    const auto found = std::ranges::find_if(points, [&](const cpu::Watchpoint& point) {
      return point.overlaps(last_.watch->address, 1) && (last_.watch->write ? point.writes : point.reads);
    });
    const bool both = found != points.end() && found->reads && found->writes;
    text += both ? "awatch:" : last_.watch->write ? "watch:" : "rwatch:";
    text += hex(last_.watch->address) + ";";
  }
  return text;
}

}  // namespace hvsim::gdb
