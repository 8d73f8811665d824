// Names become files; files are opened and parsed once before a run starts.
#include "sim/config_images.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <sstream>

#include "hypervisor/abi/hypercall.h"
#include "sim/checkpoint.h"
#include "sim/checkpoint_rules.h"
#include "sim/hash.h"
#include "sim/image/elf.h"
#include "sim/image/file_kind.h"
#include "sim/image/format.h"
#include "sim/image/linux_image.h"
#include "sim/image/system_map.h"
#include "sim/json_read.h"

namespace hvsim::sim {
namespace {

namespace fs = std::filesystem;

constexpr char kOpenSbi[] = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin";

bool is_path(const std::string& name) { return name.find('/') != std::string::npos; }

// Workloads that exist, for the message about one that does not.
std::vector<std::string> known_names(const std::vector<std::string>& directories) {
  std::vector<std::string> names;
  std::error_code error;
  for (const std::string& directory : directories)
    for (const auto& entry : fs::directory_iterator(directory, error))
      if (entry.path().extension() == ".elf") names.push_back(entry.path().stem().string());
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// What to do about a file that is not there: stock guests are fetched by a command.
std::string how_to_get(const std::string& file) {
  const fs::path guest = fs::path(file).parent_path();
  if (guest.parent_path().filename() == "guests" && !fs::exists(guest))
    return "expected a fetched guest: run `./hvsim guest fetch " + guest.filename().string() + "`";
  return "expected a readable file";
}

// Where a program's segments go. A kernel is large, and every point of a sweep asks for it.
using Ranges = isa::Result<std::vector<AddressRange>, std::string>;
Ranges ranges_of_program(const std::string& file) {
  static FileMemo<Ranges> memo;
  return memo.of(file, [&]() -> Ranges {
    if (file_looks_like_linux(file)) {
      const auto range = find_linux(file, kSecondStage);
      if (!range) return isa::Failure{range.error()};
      return std::vector{*range};
    }
    const auto image = load_program(file);
    if (!image) return isa::Failure{image.error()};
    std::vector<AddressRange> ranges;
    for (const Segment& segment : image->segments) ranges.push_back({segment.address, segment.memory_bytes});
    return ranges;
  });
}

class Finder {
 public:
  Finder(const Config& config, const Origins& origins, const std::vector<std::string>& directories)
      : config_(config), origins_(origins), directories_(directories) {}

  isa::Result<ImagePaths, Problem> run() {
    if (config_.hypervisor.run == HypervisorRun::none) {
      bare();
    } else {
      hypervisor();
    }
    firmware();
    if (!config_.boot.initrd.empty()) found_.initrd = readable("boot.initrd", config_.boot.initrd);
    for (std::size_t i = 0; i < config_.machine.devices.block.size(); ++i)
      readable(disk_key(i), config_.machine.devices.block[i].file);
    const MachineConfig& machine = config_.machine;
    typed("machine.console", machine.console);
    typed("machine.devices.console.typed", machine.devices.console.typed);
    if (!config_.boot.restore.empty()) readable("boot.restore", config_.boot.restore);
    if (problem_) return isa::Failure{*problem_};
    if (!config_.boot.restore.empty()) checkpoint();
    if (problem_) return isa::Failure{*problem_};
    return found_;
  }

 private:
  void firmware() {
    const std::string& name = config_.boot.firmware;
    const bool kernel = !found_.image.empty() && file_looks_like_linux(found_.image);
    const bool wanted = kernel || config_.hypervisor.run == HypervisorRun::target;
    if (name == "none" && kernel)
      report("boot.firmware", name, "expected firmware because boot.image is a Linux kernel");
    if (name == "none" || (name == "auto" && !wanted)) return;
    if (name == "auto" || name == "opensbi") {
      found_.firmware = readable("boot.firmware", kOpenSbi);
    } else if (is_path(name)) {
      found_.firmware = readable("boot.firmware", name);
    } else {
      report("boot.firmware", name, "expected \"auto\", \"none\", \"opensbi\" or a path with a slash");
    }
  }

  void bare() {
    const std::string& name = config_.boot.image;
    if (name.empty() && !problem_)
      problem_ = Problem{origins_.of("boot.image"), "boot.image", "missing",
                         "expected an ELF or a Linux kernel to boot because hypervisor.run is \"none\""};
    if (!problem_) found_.image = elf("boot.image", name, {kRamBase, config_.machine.memory_bytes}, "RAM");
  }

  void hypervisor() {
    if (config_.hypervisor.run == HypervisorRun::target)
      found_.hypervisor =
          elf("hypervisor.image", config_.hypervisor.image, {kRamBase, config_.machine.memory_bytes}, "RAM");
    for (std::size_t i = 0; i < config_.vms.size(); ++i) vm(config_.vms[i], child_path("vms", i));
  }

  void vm(const VmConfig& vm, const std::string& path) {
    const std::string file =
        elf(path + ".workload", vm.workload, {hv::abi::kGuestMemoryBase, vm.memory_bytes}, "the VM's memory");
    const bool kernel = !file.empty() && file_looks_like_linux(file);
    const std::pair<const char*, const std::string*> of_kernels[] = {
        {".bootargs", &vm.bootargs}, {".initrd", &vm.initrd}, {".symbols", &vm.symbols}};
    for (const auto& [key, value] : of_kernels)
      if (!kernel && !value->empty())
        report(path + key, *value, "expected none because the VM's workload is no Linux kernel");
    found_.workloads.push_back(file);
    found_.vm_initrds.push_back(vm.initrd.empty() ? "" : readable(path + ".initrd", vm.initrd));
    found_.vm_symbols.push_back(vm.symbols.empty() ? "" : readable(path + ".symbols", vm.symbols));
    if (!found_.vm_symbols.back().empty())
      if (const auto symbols = load_system_map(found_.vm_symbols.back()); !symbols)
        report(path + ".symbols", vm.symbols, symbols.error());
    found_.vm_disks.push_back(vm.disk.empty() ? "" : readable(path + ".disk", vm.disk));
  }

  void checkpoint() {
    const BootConfig& boot = config_.boot;
    const auto facts = read_checkpoint_facts(boot.restore);
    std::string problem = facts ? different_run(*facts, config_, boot.restored_models) : facts.error();
    if (problem.empty()) problem = different_files(*facts, config_, found_);
    if (!problem.empty()) report("boot.restore", boot.restore, problem);
  }

  std::string elf(const std::string& key, const std::string& name, AddressRange allowed,
                  const std::string& what) {
    const std::string file = is_path(name) ? readable(key, name) : search(key, name);
    if (file.empty()) return {};
    const auto ranges = ranges_of_program(file);
    if (!ranges) {
      report(key, name, ranges.error());
      return {};
    }
    for (const AddressRange& range : *ranges)
      if (!allowed.holds(range.base, range.bytes))
        report(key, name,
               "segment at " + hex_range(range.base, range.bytes) + ", expected inside " + what + " " +
                   hex_range(allowed.base, allowed.bytes));
    return file;
  }

  void typed(const std::string& key, const TypingConfig& config) {
    if (!config.input_file.empty()) readable(key + ".input_file", config.input_file);
  }

  std::string search(const std::string& key, const std::string& name) {
    for (const std::string& directory : directories_) {
      const fs::path file = fs::path(directory) / (name + ".elf");
      std::error_code error;
      if (fs::is_regular_file(file, error)) return file.string();
    }
    const auto names = known_names(directories_);
    const std::vector<std::string_view> views(names.begin(), names.end());
    const auto guess = nearest(name, views);
    report(key, name,
           "no image of that name" + (guess ? ", did you mean \"" + *guess + "\"?"
                                            : ", expected a built image or a path with a slash"));
    return {};
  }

  std::string readable(const std::string& key, const std::string& file) {
    std::error_code error;
    if (fs::is_directory(file, error)) {
      report(key, file, "is a directory, expected a file");
    } else if (access(file.c_str(), R_OK) != 0) {
      report(key, file, std::string(std::strerror(errno)) + ", " + how_to_get(file));
    } else {
      return file;
    }
    return {};
  }

  void report(const std::string& key, const std::string& value, const std::string& expected) {
    if (!problem_) problem_ = Problem{origins_.of(key), key, "\"" + value + "\"", expected};
  }

  const Config& config_;
  const Origins& origins_;
  const std::vector<std::string>& directories_;
  ImagePaths found_;
  std::optional<Problem> problem_;
};

}  // namespace

std::string disk_key(std::size_t index) { return child_path("machine.devices.block", index) + ".file"; }

std::map<std::string, std::string> files_by_key(const Config& config, const ImagePaths& images) {
  std::map<std::string, std::string> files{
      {"boot.firmware", images.firmware},
      {"boot.image", images.image},
      {"boot.initrd", images.initrd},
      {"hypervisor.image", images.hypervisor},
      {"machine.console.input_file", config.machine.console.input_file},
      {"machine.devices.console.typed.input_file", config.machine.devices.console.typed.input_file}};
  for (std::size_t i = 0; i < config.machine.devices.block.size(); ++i)
    files[disk_key(i)] = config.machine.devices.block[i].file;
  for (std::size_t i = 0; i < images.workloads.size(); ++i) {
    const std::string vm = child_path("vms", i);
    files[vm + ".workload"] = images.workloads[i];
    files[vm + ".initrd"] = images.vm_initrds[i];
    files[vm + ".symbols"] = images.vm_symbols[i];
    files[vm + ".disk"] = images.vm_disks[i];
  }
  return files;
}

std::vector<std::string> image_directories() {
  std::vector<std::string> directories;
  if (const char* variable = std::getenv("HVSIM_IMAGES")) {
    std::istringstream list(variable);
    for (std::string each; std::getline(list, each, ':');)
      if (!each.empty()) directories.push_back(each);
  }
  std::error_code error;
  const fs::path here = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const char* each : {"../workloads", "../hypervisor", "images", "../images"})
    directories.push_back((here / each).lexically_normal().string());
  return directories;
}

isa::Result<Image, std::string> load_program(const std::string& file) {
  if (file_looks_like_linux(file)) return load_linux(file, kSecondStage);
  const auto bytes = read_file(file);
  if (!bytes) return isa::Failure{bytes.error()};
  if (is_elf(*bytes)) return parse_elf(*bytes, file);
  return isa::Failure{file + ": " + kind_of_file(*bytes) + ", expected an ELF or a RISC-V Linux Image"};
}

isa::Result<ImagePaths, Problem> find_images(const Config& config, const Origins& origins,
                                             const std::vector<std::string>& directories) {
  return Finder(config, origins, directories).run();
}

}  // namespace hvsim::sim
