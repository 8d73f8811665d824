// Child processes, their output in files, their processor time from the kernel.
#include "tests/linux/machines.h"

#include <sys/resource.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/commands.h"
#include "tests/support/files.h"
#include "tests/support/sums.h"

namespace hvsim::linux_boot {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using tests::quoted;

const std::string kConfigs = HVSIM_SOURCE "/configs/";

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

// Processor time of all children that have ended.
double children_seconds() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

// The time limit is for hangs: a shared machine may be slow.
Boot shell(const std::string& command) {
  const tests::Scratch scratch;
  const double before = children_seconds();
  const tests::Ended ended =
      tests::shell("timeout 800 " + command + " </dev/null 2>" + scratch.file("errors"));
  return {.status = ended.code,
          .seconds = children_seconds() - before,
          .console = ended.output,
          .errors = tests::slurp(scratch.file("errors"))};
}

// The config as it is in the file, with those that it extends.
Json boot_of(const std::string& config) {
  const Json json = Json::parse(tests::slurp(kConfigs + config));
  Json all = json.contains("extends") ? boot_of(json.at("extends").get<std::string>()) : Json::object();
  all.merge_patch(json);
  return all;
}

std::string bootargs(const Json& config, const Machine& machine) {
  const auto own = config.at("boot").at("bootargs").get<std::string>();
  return machine.arguments.empty() ? own : own + " " + machine.arguments;
}

std::string guest_file(const Json& config, const std::string& key) {
  return fs::path(kConfigs + config.at("boot").at(key).get<std::string>()).lexically_normal().string();
}

}  // namespace

std::string fetch_guest() {
  const Boot fetch = shell(quoted(HVSIM_SOURCE "/hvsim") + " guest fetch debian");
  return fetch.status == 0 ? "" : "`./hvsim guest fetch debian` failed:\n" + fetch.errors;
}

Boot simulate(const Machine& machine) {
  const tests::Scratch scratch;
  const Json config = boot_of(machine.config);
  std::string command =
      quoted(HVSIM_EXECUTABLE) + " run " + quoted(kConfigs + machine.config) + " --quiet --out " +
      quoted(scratch.path()) + " --set machine.harts=" + std::to_string(machine.harts) +
      " --set machine.mode=" + machine.mode + " --set limits.max_instructions=20000000000 --set " +
      quoted("boot.bootargs=" + bootargs(config, machine));
  for (const std::string& setting : machine.settings) command += " --set " + quoted(setting);
  Boot boot = shell(command);
  boot.errors += boot.console;  // the table, and what went wrong
  boot.console.clear();
  for (const auto& run : fs::directory_iterator(scratch.path())) {
    boot.console = tests::slurp(run.path() / "console" / "machine.log");
    boot.broken_sums = tests::Sums(Json::parse(tests::slurp(run.path() / "stats.json"))).broken();
  }
  return boot;
}

Boot qemu(const Machine& machine) {
  const Json config = boot_of(machine.config);
  const std::string memory = config.at("machine").at("memory_bytes").get<std::string>();
  return shell(
      "qemu-system-riscv64 -M virt -cpu rv64,h=true,svinval=true,svnapot=true,svpbmt=true -nographic "
      "-monitor none -serial stdio -smp " +
      std::to_string(machine.harts) + " -m " + memory.substr(0, memory.find('i')) + " -bios " +
      quoted(guest_file(config, "firmware")) + " -kernel " + quoted(guest_file(config, "image")) +
      " -initrd " + quoted(guest_file(config, "initrd")) + " -append " + quoted(bootargs(config, machine)));
}

}  // namespace hvsim::linux_boot
