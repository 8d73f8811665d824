// A checkpoint, in words.
#include "sim/cli_checkpoint.h"

#include <cstdio>

#include "sim/checkpoint.h"

namespace hvsim::sim {

namespace {

int refuse(const std::string& file, const std::string& why) {
  std::fprintf(stderr, "%s: %s\n", file.c_str(), why.c_str());
  return 2;
}

}  // namespace

int check_checkpoint(const std::string& file) {
  const auto checkpoint = read_checkpoint(file);
  if (!checkpoint) return refuse(file, checkpoint.error());
  const std::string problem = verify_checkpoint(*checkpoint);
  if (!problem.empty()) return refuse(file, problem);
  std::printf("%s: %zu parts, the same when they are restored and taken again\n", file.c_str(),
              checkpoint->parts.size());
  return 0;
}

int show_checkpoint(const std::string& file, bool json) {
  const auto checkpoint = read_checkpoint(file);
  if (!checkpoint) return refuse(file, checkpoint.error());
  const CheckpointFacts& facts = checkpoint->facts;
  std::uint64_t bytes = 0;
  for (const auto& [name, part] : checkpoint->parts) bytes += part.size();
  if (json) {
    Json parts = Json::object();
    for (const auto& [name, part] : checkpoint->parts) parts[name] = part.size();
    const Json all{{"simulator", facts.simulator}, {"identity", facts.identity},
                   {"images", facts.images},       {"beginning", facts.beginning},
                   {"cycles", facts.cycles},       {"instructions", facts.instructions},
                   {"debugged", facts.debugged},   {"parts", parts},
                   {"config", facts.config}};
    std::printf("%s\n", all.dump(2).c_str());
    return 0;
  }
  const Json name = facts.config.value("name", Json());
  std::printf("run          %s-%s\n", name.is_string() ? name.get<std::string>().c_str() : "",
              facts.identity.c_str());
  std::printf("simulator    %s\n", facts.simulator.c_str());
  std::printf("cycles       %llu\n", static_cast<unsigned long long>(facts.cycles));
  std::printf("instructions %llu\n", static_cast<unsigned long long>(facts.instructions));
  std::printf("holds        %llu bytes in %zu parts\n", static_cast<unsigned long long>(bytes),
              checkpoint->parts.size());
  return 0;
}

}  // namespace hvsim::sim
