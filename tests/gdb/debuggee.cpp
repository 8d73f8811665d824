// Children under a time limit: nothing here can hang.
#include "tests/gdb/debuggee.h"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "sim/boot.h"
#include "sim/config_load.h"
#include "sim/experiment.h"

namespace hvsim::gdb {
namespace {

using tests::comes_true;

// "osabi none": on what a Linux compiler has built, GDB would step with breakpoints of its own, never into a
// trap.
std::vector<std::string> gdb_command(const std::string& target, const fs::path& script,
                                     const std::string& program) {
  return {"gdb-multiarch",
          "-nx",
          "-q",
          "-batch",
          "-ex",
          "set confirm off",
          "-ex",
          "set osabi none",
          "-ex",
          "set pagination off",
          "-ex",
          "set remotetimeout 20",
          "-ex",
          "target remote " + target,
          "-x",
          script.string(),
          program};
}

fs::path write_script(const fs::path& directory, const std::vector<std::string>& commands) {
  std::ofstream out(directory / "script");
  for (const std::string& command : commands) out << command << "\n";
  return directory / "script";
}

}  // namespace

Debuggee::Debuggee(Kind kind, const Json& config, std::vector<std::string> options)
    : options_(std::move(options)) {
  std::ofstream(scratch_.path() / "config.json") << config.dump(2);
  if (kind == Kind::qemu) write_bundle();
  process_ = std::make_unique<Process>(kind == Kind::qemu ? qemu_command() : simulator_command(),
                                       scratch_.path() / "output");
  comes_true([&] { return fs::exists(target()) || process_->ended(); });
  if (!fs::exists(target())) throw std::runtime_error("nobody listens: " + output());
}

std::vector<std::string> Debuggee::simulator_command() const {
  std::vector<std::string> command{"env",
                                   std::string("HVSIM_IMAGES=") + HVSIM_IMAGE_DIRECTORIES,
                                   HVSIM_EXECUTABLE,
                                   "run",
                                   (scratch_.path() / "config.json").string(),
                                   "--quiet",
                                   "--gdb=unix:" + target(),
                                   "--out",
                                   (scratch_.path() / "runs").string()};
  command.insert(command.end(), options_.begin(), options_.end());
  return command;
}

// As many harts and as much memory as the simulator has by default.
std::vector<std::string> Debuggee::qemu_command() const {
  const Json config = Json::parse(tests::slurp(scratch_.path() / "config.json"));
  return {"qemu-system-riscv64",
          "-M",
          "virt",
          "-cpu",
          "rv64,h=true",
          "-nographic",
          "-monitor",
          "none",
          "-serial",
          "stdio",
          "-m",
          "64M",
          "-smp",
          std::to_string(config.at("machine").at("harts").get<unsigned>()),
          "-bios",
          HVSIM_FIRMWARE,
          "-kernel",
          image("hypervisor"),
          "-initrd",
          (scratch_.path() / "bundle").string(),
          "-S",
          "-gdb",
          "unix:" + target() + ",server,nowait"};
}

void Debuggee::write_bundle() const {
  const std::string all = HVSIM_IMAGE_DIRECTORIES;
  const auto colon = all.find(':');
  const auto document = sim::load_document((scratch_.path() / "config.json").string());
  if (!document) throw std::runtime_error(document.error().text());
  const auto experiment = sim::expand(*document, {all.substr(0, colon), all.substr(colon + 1)});
  if (!experiment) throw std::runtime_error(experiment.error().text());
  const sim::Run& run = experiment->runs.at(0);
  const auto bundle = sim::bundle_of(run.config, run.images);
  if (!bundle) throw std::runtime_error(bundle.error());
  std::ofstream(scratch_.path() / "bundle", std::ios::binary)
      .write(reinterpret_cast<const char*>(bundle->data()), static_cast<std::streamsize>(bundle->size()));
}

Gdb::Gdb(const Debuggee& debuggee, const std::vector<std::string>& commands, const std::string& program)
    : process_(gdb_command(debuggee.target(), write_script(scratch_.path(), commands), program),
               scratch_.path() / "output") {}

std::string Gdb::finish() {
  const int status = process_.wait();
  return process_.output() + (status == 0 ? "" : "GDB ended with " + std::to_string(status) + "\n");
}

std::string image(const std::string& name) {
  const std::string all = HVSIM_IMAGE_DIRECTORIES;
  std::istringstream folders(all);
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const fs::path path = fs::path(folder) / (name + ".elf"); fs::exists(path)) return path.string();
  throw std::runtime_error("no image " + name);
}

std::string show(const std::string& name, const std::string& expression) {
  return "printf \"" + name + " = 0x%lx\\n\", (unsigned long)(" + expression + ")";
}

std::vector<std::string> step_to(const std::string& instruction) {
  return {"set $left = 1000", "while *(unsigned int*)$pc != " + instruction + " && $left > 0", "stepi",
          "set $left = $left - 1", "end"};
}

std::vector<std::string> operator+(std::vector<std::string> all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::map<std::string, std::uint64_t> values(const std::string& output) {
  std::map<std::string, std::uint64_t> found;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);)
    if (const auto at = line.find(" = 0x"); at != std::string::npos)
      found[line.substr(0, at)] = std::stoull(line.substr(at + 5), nullptr, 16);
  return found;
}

}  // namespace hvsim::gdb
