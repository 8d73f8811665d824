// The files that a config names: where they are, and whether they are fit to run.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "models/cpu/isa/result.h"
#include "sim/config.h"
#include "sim/image/image.h"
#include "sim/json_document.h"

namespace hvsim::sim {

inline constexpr std::uint64_t kRamBase = 0x8000'0000;
inline constexpr std::uint64_t kSecondStage =
    0x8020'0000;  // where firmware finds a flat kernel, as on `virt`

// Where images without a path are looked for: $HVSIM_IMAGES, then places known from the executable's.
std::vector<std::string> image_directories();

// A program that boots without a hypervisor: an ELF, or a Linux kernel image.
isa::Result<Image, std::string> load_program(const std::string& file);

// The key that names a machine's disk.
std::string disk_key(std::size_t index);
// Every key of the config that may name a file, and the file.
std::map<std::string, std::string> files_by_key(const Config& config, const ImagePaths& images);

// Finds every file and checks ELF headers, architecture and addresses, and whether a checkpoint is one of
// this run, so that nothing starts that cannot run.
isa::Result<ImagePaths, Problem> find_images(const Config& config, const Origins& origins,
                                             const std::vector<std::string>& directories);

}  // namespace hvsim::sim
