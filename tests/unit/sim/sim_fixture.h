// A scratch directory with config files and small RISC-V ELF images in it.
#pragma once

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "sim/config_load.h"
#include "sim/experiment.h"

namespace hvsim::sim {

class Scratch : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "hvsim-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
    write("images/guest.elf", elf(0x80000000));
    write("images/hypervisor.elf", elf(0x80200000));
  }
  void TearDown() override {
    std::filesystem::permissions(directory_, std::filesystem::perms::owner_all);
    std::filesystem::remove_all(directory_);
  }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  std::vector<std::string> images() const { return {path("images")}; }

  std::string write(const std::string& name, const std::string& text) const {
    const std::filesystem::path file = directory_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

  // An executable of one segment: `wfi; j .-4`.
  static std::string elf(std::uint64_t address, std::uint16_t machine = EM_RISCV) {
    const unsigned char code[] = {0x73, 0x00, 0x50, 0x10, 0x6f, 0xf0, 0xdf, 0xff};
    Elf64_Ehdr header{};
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_EXEC;
    header.e_machine = machine;
    header.e_version = EV_CURRENT;
    header.e_entry = address;
    header.e_phoff = sizeof header;
    header.e_ehsize = sizeof header;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phnum = 1;
    header.e_shentsize = sizeof(Elf64_Shdr);
    Elf64_Phdr segment{};
    segment.p_type = PT_LOAD;
    segment.p_flags = PF_R | PF_X;
    segment.p_offset = sizeof header + sizeof segment;
    segment.p_vaddr = segment.p_paddr = address;
    segment.p_filesz = segment.p_memsz = sizeof code;
    segment.p_align = 1;
    std::string file(sizeof header + sizeof segment + sizeof code, '\0');
    std::memcpy(file.data(), &header, sizeof header);
    std::memcpy(file.data() + sizeof header, &segment, sizeof segment);
    std::memcpy(file.data() + sizeof header + sizeof segment, code, sizeof code);
    return file;
  }

  // What a user of this config text is told; empty if nothing is wrong. The scratch path is cut off.
  std::string complaint(const std::string& text) const {
    const auto document = load_document(write("c.json", text));
    std::string line;
    if (!document) {
      line = document.error().text();
    } else if (const auto experiment = expand(*document, images()); !experiment) {
      line = experiment.error().text();
    }
    EXPECT_EQ(line.find('\n'), std::string::npos) << "more than one line: " << line;
    const std::string prefix = directory_.string() + "/";
    return line.starts_with(prefix) ? line.substr(prefix.size()) : line;
  }

  Experiment experiment(const std::string& text) const {
    const auto document = load_document(write("c.json", text));
    EXPECT_TRUE(document.ok()) << (document.ok() ? "" : document.error().text());
    auto expanded = expand(*document, images());
    EXPECT_TRUE(expanded.ok()) << (expanded.ok() ? "" : expanded.error().text());
    return expanded.value();
  }

  // A config that is fine but for what `more` adds.
  static std::string bare(const std::string& more) {
    return R"({"version": 1, "boot": {"image": "guest"})" + (more.empty() ? "" : ", " + more) + "}";
  }
  static std::string virtualized(const std::string& more) {
    return R"({"version": 1, "machine": {"harts": 2}, "hypervisor": {"run": "host"}, "vms": [)"
           R"({"name": "a", "workload": "guest"}])" +
           (more.empty() ? "" : ", " + more) + "}";
  }

  std::filesystem::path directory_;
};

}  // namespace hvsim::sim
