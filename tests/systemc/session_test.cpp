// A session through its socket: commands are answered one by one, garbage among them, and the run comes out
// as if nobody had asked.
#include <sys/socket.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "sim/image/format.h"
#include "sim/json_document.h"
#include "sim/simulation.h"
#include "tests/systemc/main.h"
#include "tests/systemc/silent.h"

namespace hvsim::sim {
namespace {

TEST(Session, AnswersEachCommandAndGarbageAndLeavesTheRunAsItWas) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const std::vector<std::string> commands{
      R"({"do":"state"})",
      "no JSON at all",
      "[1, 2",
      R"({"do":"fly"})",
      R"({"do":"go"})",
      R"({"do":"go","until":{"cycle":-1}})",
      R"({"do":"go","until":{"steps":1}})",
      R"({"do":"go","until":{"hart":0,"steps":5}})",
      R"({"do":"registers","hart":0})",
      R"({"do":"registers","hart":9})",
      R"({"do":"registers","vm":"a","vcpu":0})",
      R"({"do":"read_memory","hart":0,"space":"physical","address":18446744073709551615,"bytes":16})",
      R"({"do":"read_memory","hart":0,"space":"current","address":2147483648,"bytes":1e30})",
      R"({"do":"translate","hart":0,"space":"guest","address":0})",
      R"({"do":"points","breakpoints":[{"id":"x"}],"watchpoints":[]})",
      R"({"do":"symbol","name":"guest::workload_mian"})",
      R"({"do":"interrupt"})",
      R"({"do":"vcpus"})",
      R"({"do":"go","until":{}})",
      R"({"do":"write_register","hart":0,"name":"a0","value":1})",
      R"({"do":"console"})"};
  std::string text;
  for (const std::string& command : commands) text += command + "\n";
  ASSERT_EQ(write(ends[0], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ASSERT_EQ(shutdown(ends[0], SHUT_WR), 0);

  Config config;
  config.machine.harts = 2;
  config.limits.max_cycles = 100'000'000;
  ImagePaths images;
  images.image = HVSIM_WORKLOADS "/hello-bare.elf";
  Silent progress;
  const auto result =
      simulate(config, images, progress,
               {.session = SessionOptions{.descriptor = ends[1],
                                          .write = [](const auto&, const auto&) { return ""; }}});
  ASSERT_TRUE(result) << result.error().line;
  EXPECT_EQ(result->stop, StopReason::finished);
  EXPECT_FALSE(result->debugged) << "nothing was changed: the write came too late";

  close(ends[1]);
  std::string answered;
  char chunk[65536];
  for (ssize_t count; (count = read(ends[0], chunk, sizeof chunk)) > 0;)
    answered.append(chunk, static_cast<std::size_t>(count));
  std::vector<Json> answers;
  std::istringstream lines(answered);
  for (std::string line; std::getline(lines, line);) answers.push_back(Json::parse(line));
  ASSERT_EQ(answers.size(), commands.size() - 1) << "an interrupt has no answer of its own";
  const auto failed = [&](std::size_t which) { return answers[which].value("failed", ""); };
  EXPECT_EQ(answers[0]["answer"]["harts"].size(), 2u);
  for (const std::size_t garbage : {1, 2, 4}) EXPECT_NE(failed(garbage), "");
  EXPECT_EQ(failed(3), "no command \"fly\"");
  EXPECT_EQ(failed(5), "cycle: -1: expected a whole number from 0 to 2^64-1");
  EXPECT_EQ(failed(6), "hart: missing: expected whose steps they are");
  EXPECT_EQ(answers[7]["answer"]["stopped"]["reason"], "step");
  EXPECT_EQ(answers[7]["answer"]["stopped"]["state"]["harts"][0]["retired"], 5);
  EXPECT_EQ(answers[8]["answer"]["general"]["zero"], 0);
  EXPECT_EQ(failed(9), "hart: 9: expected less than 2");
  EXPECT_NE(failed(10).find("vm"), std::string::npos);
  EXPECT_EQ(answers[11]["answer"]["data"], "");
  EXPECT_NE(failed(12), "");
  EXPECT_NE(answers[13]["answer"]["text"], "");
  EXPECT_NE(failed(14), "");
  EXPECT_NE(failed(15).find("did you mean \"guest::workload_main\"?"), std::string::npos) << failed(15);
  EXPECT_EQ(failed(16), "no hypervisor of ours runs: there are no VCPUs");
  EXPECT_EQ(answers[17]["answer"]["stopped"]["reason"], "over");
  EXPECT_EQ(failed(18), "the run is over");
  EXPECT_NE(answers[19]["answer"]["all"].get<std::string>().find("checksum"), std::string::npos);
}

}  // namespace
}  // namespace hvsim::sim
