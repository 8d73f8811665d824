// Random programs end in the same state on QEMU and on the machine, functional and timed.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/isa/compare.h"
#include "tests/isa/coverage.h"
#include "tests/isa/image.h"
#include "tests/isa/machines.h"
#include "tests/isa/witness.h"

namespace hvsim::oracle {
namespace {

constexpr unsigned kDefaultPrograms = HVSIM_ORACLE_DEFAULT_PROGRAMS, kEnoughForCoverage = 10'000,
                   kProgramsPerImage = 250, kQemuSeconds = 120;

std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 0) : otherwise;
}

std::vector<std::uint8_t> driver() {
  std::ifstream file(HVSIM_ORACLE_DRIVER, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Oracle : public testing::Test {
 protected:
  void SetUp() override {
    for (const Witness& witness : witnesses_)
      ASSERT_NE(witness.major, 0u) << witness.program << " cannot be run";
    ASSERT_FALSE(driver_.empty()) << "the driver was not built: " << HVSIM_ORACLE_DRIVER;
    ASSERT_TRUE(ram_.valid()) << "no room for a RAM file of 128 MiB in the folder for temporary files";
    seed_ = setting("HVSIM_ORACLE_SEED", 1);
    programs_ = setting("HVSIM_ORACLE_PROGRAMS", kDefaultPrograms);
    first_ = setting("HVSIM_ORACLE_FIRST", 0);
    reports_ = setting("HVSIM_ORACLE_REPORTS", 5);
    if (const char* kind = std::getenv("HVSIM_ORACLE_KIND")) kind_ = kind;
  }

  // As many programs as asked for on QEMU and on the machine.
  void run(const Witness& witness) {
    std::printf(
        "QEMU %u, seed %llu, %llu programs (HVSIM_ORACLE_SEED, HVSIM_ORACLE_PROGRAMS, HVSIM_ORACLE_KIND)\n",
        witness.major, static_cast<unsigned long long>(seed_), static_cast<unsigned long long>(programs_));
    mismatches_ = 0;
    explained_ = {};
    coverage_ = {};
    for (std::uint64_t done = 0; done < programs_ && mismatches_ < reports_ && !HasFatalFailure();
         done += kProgramsPerImage)
      run_image(witness, static_cast<unsigned>(first_ + done),
                static_cast<unsigned>(std::min<std::uint64_t>(kProgramsPerImage, programs_ - done)));
    EXPECT_EQ(mismatches_, 0u) << "programs differ (counted once per mode)";

    for (const auto& [why, times] : explained_)
      std::printf("known difference, %u times: %s\n", times, why.c_str());
    std::printf("%llu accesses through random page tables and protection, %llu of them by two stages\n",
                static_cast<unsigned long long>(coverage_.translated_accesses()),
                static_cast<unsigned long long>(coverage_.two_stage_accesses()));
    if (programs_ < kEnoughForCoverage || !kind_.empty()) return;
    for (const std::string& name : coverage_.missing(witness)) ADD_FAILURE() << name << " was never executed";
  }

  // Programs first to first + count - 1 on all three.
  void run_image(const Witness& witness, unsigned first, unsigned count) {
    std::vector<Program> programs;
    for (unsigned i = 0; i < count; ++i)
      programs.push_back(make_program(witness, seed_, first + i, slot_address(i), kind_));
    ram_.clear();
    write_image(ram_.memory(), driver_, programs);
    const auto used = ram_.memory().first(slot_address(count) - ORACLE_RAM);
    const std::vector<std::uint8_t> image(used.begin(), used.end());

    Qemu qemu(witness, ram_);
    const ModelRun functional = run_model(witness, image, sim::TimingMode::functional);
    const bool detailed = images_++ % 2 != 0;  // by turns
    const ModelRun timed =
        run_model(witness, image, detailed ? sim::TimingMode::detailed : sim::TimingMode::fast);
    const bool ended = qemu.wait(std::chrono::seconds(kQemuSeconds));
    expect_driver_untouched();
    ASSERT_TRUE(ended) << stuck("QEMU", programs, first, ram_.memory(), functional);
    compare(programs, first, functional, "functional");
    compare(programs, first, timed, detailed ? "detailed" : "fast");
    for (const Program& program : programs) coverage_.add(program, ram_.memory());
  }

  void expect_driver_untouched() {
    for (std::size_t i = 0; i < driver_.size(); ++i)
      ASSERT_EQ(ram_.memory()[i], driver_[i]) << "a program changed the driver at offset " << i;
  }

  std::string stuck(const char* who, const std::vector<Program>& programs, unsigned first,
                    std::span<const std::uint8_t> memory, const ModelRun& model) {
    const std::uint64_t index = current_program(memory);
    if (index >= programs.size()) return std::string(who) + " ended all programs, but not itself";
    const auto found = differences(programs[index], ram_.memory(), model.memory(), explained_);
    return std::string(who) + " did not finish\n" +
           report(programs[index], seed_, first + static_cast<unsigned>(index), ram_.memory(), model.memory(),
                  found);
  }

  void compare(const std::vector<Program>& programs, unsigned first, const ModelRun& model,
               const char* mode) {
    if (!model.problem.empty())
      ADD_FAILURE() << mode << ": " << model.problem << ": "
                    << stuck("hvsim", programs, first, model.memory(), model);
    for (unsigned i = 0; i < programs.size(); ++i) {
      const auto found = differences(programs[i], ram_.memory(), model.memory(), explained_);
      if (found.empty()) continue;
      if (++mismatches_ <= reports_)
        ADD_FAILURE() << mode << ": "
                      << report(programs[i], seed_, first + i, ram_.memory(), model.memory(), found);
    }
  }

  const std::vector<Witness> witnesses_ = find_witnesses();
  std::vector<std::uint8_t> driver_ = driver();
  RamFile ram_;
  std::uint64_t seed_ = 0, programs_ = 0, first_ = 0, reports_ = 0;
  std::string kind_;  // of program; empty: all
  unsigned mismatches_ = 0;
  unsigned images_ = 0;
  Explained explained_;
  Coverage coverage_;
};

TEST_F(Oracle, RandomProgramsEndInTheSameStateOnQemu) {
  for (const Witness& witness : witnesses_) run(witness);
}

}  // namespace
}  // namespace hvsim::oracle
