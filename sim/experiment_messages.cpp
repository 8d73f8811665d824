// Lines of JSON through a pipe.
#include "sim/experiment_messages.h"

#include <unistd.h>

#include <cerrno>

#include "sim/json_document.h"
#include "sim/statistics_json.h"

namespace hvsim::sim {
namespace {

// The guest's console may hold any bytes; JSON text may not.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

void MessageWriter::send(const std::string& line) {
  const std::string text = line + "\n";
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = write(descriptor_, text.data() + sent, text.size() - sent);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

void MessageWriter::advanced(isa::Cycles now, std::uint64_t retired) {
  send(dump(Json{{"advanced", {now, retired}}}));
}

void MessageWriter::console(std::string_view text) { send(dump(Json{{"console", text}})); }

void MessageWriter::stage(Stage stage) {
  constexpr const char* names[] = {"waiting", "warming_up", "running"};
  send(dump(Json{{"stage", names[static_cast<std::size_t>(stage)]}}));
}

void MessageWriter::refused(const std::string& line) { send(dump(Json{{"refused", line}})); }

void MessageWriter::unwritable(const std::string& line) { send(dump(Json{{"unwritable", line}})); }

void MessageWriter::finished(const Finished& finished) {
  send(dump(Json{{"finished",
                  {{"exit_code", finished.exit_code},
                   {"directory", finished.directory},
                   {"result_hash", finished.result_hash},
                   {"detail", finished.detail},
                   {"summary", summary_json(finished.summary)}}}}));
}

void MessageParser::feed(std::string_view bytes) {
  pending_ += bytes;
  std::size_t start = 0;
  for (std::size_t end; (end = pending_.find('\n', start)) != std::string::npos; start = end + 1)
    handle(pending_.substr(start, end - start));
  pending_.erase(0, start);
}

void MessageParser::handle(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || json.empty()) return;  // a worker that died while it wrote
  const std::string& kind = json.begin().key();
  const Json& value = json.begin().value();
  if (kind == "advanced") handler_.advanced(value[0], value[1]);
  if (kind == "console") handler_.console(value.get_ref<const std::string&>());
  if (kind == "refused" || kind == "unwritable") handler_.refused(value);
  if (kind != "finished") return;
  const auto summary = read_summary(value["summary"]);
  if (!summary) return;
  handler_.finished({.exit_code = value["exit_code"],
                     .directory = value["directory"],
                     .result_hash = value["result_hash"],
                     .detail = value["detail"],
                     .summary = *summary});
}

}  // namespace hvsim::sim
