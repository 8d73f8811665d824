// Workers and the pool that runs them; the simulation itself is a stand-in.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <thread>

#include "sim/config_images.h"
#include "sim/experiment_pool.h"
#include "sim/experiment_worker.h"
#include "sim/hash.h"
#include "sim/result_hash.h"
#include "tests/unit/sim/sim_fixture.h"

namespace hvsim::sim {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class Workers : public Scratch {
 protected:
  // Runs one worker inside this process; what it sent is in `messages`.
  int work_on(const std::string& input, const Simulate& simulate) {
    const int config = memfd_create("input", 0), sent = memfd_create("messages", 0);
    EXPECT_EQ(::write(config, input.data(), input.size()), static_cast<ssize_t>(input.size()));
    lseek(config, 0, SEEK_SET);
    const int code =
        work({.config_descriptor = config, .message_descriptor = sent, .output = path("runs")}, simulate);
    lseek(sent, 0, SEEK_SET);
    char chunk[65536];
    const ssize_t count = ::read(sent, chunk, sizeof chunk);
    messages.assign(chunk, static_cast<std::size_t>(count));
    close(config);
    close(sent);
    return code;
  }
  sim::Run planned() const {
    return experiment(R"({"version": 1, "name": "r", "boot": {"image": "./images/guest.elf"}})").runs[0];
  }
  std::string input() const { return worker_input(planned()); }
  std::string messages;
};

TEST_F(Workers, ReportWhatTheSimulationReturned) {
  const int code =
      work_on(input(), [](const Config& config, const ImagePaths&, Progress& progress, const Attached&) {
        EXPECT_EQ(config.name, "r");
        progress.console("hello\n");
        RunResult result;
        result.guest_exit_code = 9;
        result.stop_detail = "code 9";
        return result;
      });
  EXPECT_EQ(code, 1);
  Finished finished;
  std::string console;
  MessageParser parser({.advanced = [](isa::Cycles, std::uint64_t) {},
                        .console = [&](std::string_view text) { console += text; },
                        .refused = [](const std::string&) {},
                        .finished = [&](const Finished& f) { finished = f; }});
  for (const char byte : messages) parser.feed({&byte, 1});
  EXPECT_EQ(console, "hello\n");
  EXPECT_EQ(finished.exit_code, 1);
  EXPECT_EQ(finished.detail, "code 9");
  EXPECT_EQ(finished.directory, path("runs/" + planned().directory_name()));
  EXPECT_TRUE(std::filesystem::exists(finished.directory + "/manifest.json"));
}

TEST_F(Workers, RefuseWithOneLineAndLeaveNoResults) {
  const int code = work_on(input(), [](const Config&, const ImagePaths&, Progress&, const Attached&) {
    return isa::Result<RunResult, Refusal>(isa::Failure{Refusal{.line = "x.elf: no"}});
  });
  EXPECT_EQ(code, 2);
  EXPECT_EQ(messages, "{\"refused\":\"x.elf: no\"}\n");
  EXPECT_FALSE(std::filesystem::exists(path("runs")));
}

// No fault of the run: whoever started it shall not take it for one, nor read the system's words to know.
TEST_F(Workers, SayWhenThereIsNoPlaceForWhatTheyWrite) {
  work_on(input(), [](const Config&, const ImagePaths&, Progress&, const Attached&) {
    return isa::Result<RunResult, Refusal>(isa::Failure{Refusal{.line = "x: full", .unwritable = true}});
  });
  EXPECT_EQ(messages, "{\"unwritable\":\"x: full\"}\n");
  write("runs", "not a directory");
  const int code = work_on(
      input(), [](const Config&, const ImagePaths&, Progress&, const Attached&) { return RunResult(); });
  EXPECT_EQ(code, 2);
  EXPECT_THAT(messages, AllOf(StartsWith("{\"unwritable\":"), HasSubstr("Not a directory")));
  std::string heard;
  MessageParser parser({.advanced = {},
                        .console = {},
                        .refused = [&](const std::string& line) { heard = line; },
                        .finished = {}});
  parser.feed(messages);
  EXPECT_THAT(heard, HasSubstr("Not a directory"));
}

TEST_F(Workers, RefuseFilesThatHaveChangedSinceTheRunWasPlanned) {
  const std::string before = input();
  write("images/guest.elf", elf(0x80001000));
  const int code = work_on(before, [](const Config&, const ImagePaths&, Progress&, const Attached&) {
    ADD_FAILURE() << "it ran";
    return RunResult();
  });
  EXPECT_EQ(code, 2);
  EXPECT_THAT(messages,
              HasSubstr("boot.image, " + path("images/guest.elf") + ": expected what the files held"));
  EXPECT_FALSE(std::filesystem::exists(path("runs")));
}

// The images are read while a run starts, which may last for hours before anybody asks what it was.
TEST_F(Workers, NameTheFilesThatTheyStartedWith) {
  const sim::Run run = planned();
  const std::string hash = hash_file(path("images/guest.elf"));
  work_on(input(), [&](const Config&, const ImagePaths&, Progress&, const Attached&) {
    write("images/guest.elf", elf(0x80001000));
    return RunResult();
  });
  const Json found = read_json_file(path("runs/" + run.directory_name() + "/manifest.json")).value();
  EXPECT_EQ(found["images"]["image"]["hash"], hash);
  write("images/guest.elf", elf(0x80000000));
  EXPECT_EQ(found["result_hash"], result_hash(run.config, run.images, RunResult()));
}

// Of files that have lain still for a while: one that was just written may be written again within a tick.
TEST_F(Workers, HashesAreRememberedUntilAFileIsTouched) {
  const std::string file = write("file", "one");
  const std::string one = hash_file(file);
  EXPECT_EQ(one, hash_text("one"));
  EXPECT_FALSE(FileStamp::of(file).tells());
  write("file", "two");
  EXPECT_EQ(hash_file(file), hash_text("two"));
  const std::string old = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin";
  const std::string hash = hash_file(old);
  const FileStamp stamp = FileStamp::of(old);
  ASSERT_TRUE(stamp.tells());
  Json known{{old, {stamp.device, stamp.inode, stamp.bytes, stamp.modified_ns, stamp.changed_ns}, "told"}};
  learn_hashes(known);
  EXPECT_EQ(hash_file(old), "told");
  known[0][1][4] = stamp.changed_ns + 1;
  learn_hashes(known);
  EXPECT_EQ(hash_file(old), hash);
  EXPECT_THAT(known_hashes().dump(), HasSubstr(hash));
  for (const char* wrong : {"{}", "[1]", R"([["a", [1, 2], "b"]])", R"([["a", [1, 2, 3, 4, "5"], "b"]])"})
    learn_hashes(Json::parse(wrong));
  EXPECT_EQ(hash_file("a"), "");
}

TEST_F(Workers, TurnExceptionsIntoASimulatorFault) {
  const int code =
      work_on(input(),
              [](const Config&, const ImagePaths&, Progress&,
                 const Attached&) -> isa::Result<RunResult, Refusal> { throw std::runtime_error("broken"); });
  EXPECT_EQ(code, 3);
  EXPECT_THAT(messages, HasSubstr("broken"));
  EXPECT_FALSE(std::filesystem::exists(path("runs")));
}

class Pools : public Scratch {
 protected:
  // A worker made of shell: `body` may use $messages (a descriptor), $out and $config (the input).
  std::string worker(const std::string& body) const {
    const std::string file = write("worker.sh",
                                   "#!/bin/bash\nmessages=$5 out=$7\nconfig=$(cat <&$3)\n"
                                   "say() { echo \"$1\" >&$messages; }\n" +
                                       body + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
  static std::string finished(int code) {
    return "say '" +
           Json{{"finished",
                 {{"exit_code", code},
                  {"directory", "d"},
                  {"result_hash", "h"},
                  {"detail", ""},
                  {"summary", {{"cycles", 5}}}}}}
               .dump() +
           "'\nexit " + std::to_string(code);
  }
  ExperimentResult run(const std::string& body, unsigned runs = 1, const std::string& axes = "") {
    std::string seeds = "1";
    for (unsigned i = 2; i <= runs; ++i) seeds += "," + std::to_string(i);
    experiment_ = experiment(bare(R"("axes": {"seed": [)" + seeds + "]" + axes + "}"));
    std::filesystem::create_directories(path("runs"));
    ProgressDisplay progress(ProgressStyle::silent);
    return run_experiment(experiment_,
                          {.output = path("runs"), .jobs = 2, .echo_console = false, .worker = worker(body)},
                          progress);
  }
  Experiment experiment_;
};

TEST_F(Pools, CollectEveryRunInOrder) {
  const auto result = run(finished(0), 5);
  ASSERT_EQ(result.outcomes.size(), 5u);
  for (const Outcome& outcome : result.outcomes) {
    EXPECT_TRUE(outcome.done);
    EXPECT_EQ(outcome.result.summary.cycles, 5u);
  }
  EXPECT_EQ(result.outcomes[4].run->config.seed, 5u);
  EXPECT_EQ(exit_code(result), 0);
}

TEST_F(Pools, RunsThatFastForwardGetAPlaceToShareItWhichGoesWithThem) {
  const std::string body = "[[ $8 == --warm-ups ]] && mkdir -p $9 && touch $9/there-$$; " + finished(0);
  const std::string there = R"(, "boot.fast_forward": ["instructions=5"])";
  EXPECT_EQ(exit_code(run(body, 2)), 0);
  EXPECT_TRUE(std::filesystem::is_empty(path("runs")));
  const std::string leave = "[[ $8 == --warm-ups ]] || exit 9; " + body;
  EXPECT_EQ(exit_code(run(leave, 2)), 3);  // nothing to share
  EXPECT_EQ(exit_code(run(leave, 2, there)), 0);
  EXPECT_TRUE(std::filesystem::is_empty(path("runs")));
  EXPECT_EQ(exit_code(run(leave, 1, there)), 3);  // nobody to share with
}

TEST_F(Pools, AGuestFailureIsTheExitCode) { EXPECT_EQ(exit_code(run(finished(1), 2)), 1); }

TEST_F(Pools, AWorkerThatDiesIsASimulatorFaultAndLeavesNothing) {
  const auto result = run("mkdir -p $out/.partial-x-1-$(uname -n)-$$; kill -SEGV $$");
  EXPECT_EQ(exit_code(result), 3);
  EXPECT_THAT(result.outcomes[0].result.detail, HasSubstr("signal 11"));
  EXPECT_TRUE(std::filesystem::is_empty(path("runs")));
}

TEST_F(Pools, ARefusalEndsTheExperimentWithItsLine) {
  const auto result = run("say '{\"refused\": \"c.json: no\"}'; exit 2", 3);
  EXPECT_EQ(result.refused, "c.json: no");
  EXPECT_EQ(exit_code(result), 2);
}

TEST_F(Pools, AnInterruptStopsWorkersAndLeavesNothingHalfWritten) {
  const pid_t self = getpid();
  std::jthread interrupter([self] {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    ::kill(self, SIGINT);
  });
  const auto result = run("mkdir -p $out/.partial-x-1-$(uname -n)-$$; exec sleep 60", 2);
  EXPECT_EQ(result.signal, SIGINT);
  EXPECT_EQ(exit_code(result), 130);
  EXPECT_TRUE(std::filesystem::is_empty(path("runs")));
}

}  // namespace
}  // namespace hvsim::sim
