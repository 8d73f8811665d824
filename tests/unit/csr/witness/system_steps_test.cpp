// CSRs, permissions, traps and interrupts of the model beside QEMU's, one random instruction at a time.
#include "tests/unit/csr/witness/system_steps.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <iterator>
#include <map>
#include <string_view>

#include "tests/unit/csr/witness/known_differences.h"
#include "tests/unit/csr/witness/qemu.h"

namespace hvsim::cpu::witness {
namespace {

Data data_of(const std::vector<Step>& steps) {
  Data data{kSteps, {steps.size()}};
  for (const Step& step : steps) {
    data.words.insert(data.words.end(), {step.instruction, step.x5, step.x6});
    data.words.insert(data.words.end(), step.loads.begin(), step.loads.end());
  }
  return data;
}

std::vector<Outcome> outcomes_of(const std::vector<std::uint64_t>& words) {
  constexpr std::size_t width = 1 + std::size(kDumped);
  std::vector<Outcome> outcomes;
  for (auto at = words.begin(); static_cast<std::size_t>(words.end() - at) >= width; at += width)
    outcomes.push_back({*at, {at + 1, at + width}});
  return outcomes;
}

class Comparison {
 public:
  void compare(std::size_t index, const Step& step, const Outcome& model, const Outcome& qemu) {
    if (const auto known = known_difference(step, model, qemu)) {
      ++excused_[*known];
      return;
    }
    check(index, step, "x10", known_result_difference(step, model.x10, qemu.x10), model.x10, qemu.x10);
    for (std::size_t k = 0; k < std::size(kDumped); ++k) {
      char name[16];
      std::snprintf(name, sizeof name, "csr 0x%x", kDumped[k]);
      check(index, step, name, known_difference(step, kDumped[k], model.dump[k], qemu.dump[k]), model.dump[k],
            qemu.dump[k]);
    }
  }
  bool enough() const { return unknown_ >= 20; }
  void print() const {
    for (const auto& [reason, times] : excused_)
      std::printf("%6u x %.*s\n", times, static_cast<int>(reason.size()), reason.data());
  }

 private:
  void check(std::size_t index, const Step& step, const char* name, std::optional<std::string_view> known,
             std::uint64_t model, std::uint64_t qemu) {
    if (known) {
      ++excused_[*known];
    } else if (model != qemu) {
      ++unknown_;
      ADD_FAILURE() << "step " << index << " " << describe(step) << std::hex << ": " << name << " is 0x"
                    << model << ", QEMU says 0x" << qemu;
    }
  }

  std::map<std::string_view, unsigned> excused_;
  unsigned unknown_ = 0;
};

TEST(QemuWitness, AgreesOnPrivilegedStepsButForItsKnownErrors) {
  const std::uint64_t seed = number_from_environment("HVSIM_SEED", 1);
  const std::size_t count = number_from_environment("HVSIM_STEPS", 4000);
  std::printf("seed %llu, %zu steps\n", static_cast<unsigned long long>(seed), count);

  const std::string elf = HVSIM_SYSTEM_STEPS_ELF;
  const std::vector<Step> steps = random_steps(seed, count);
  const auto qemu =
      outcomes_of(run_on_qemu(elf, std::vector{data_of(steps)}, "svinval=true,svpbmt=true,sscofpmf=true"));
  ASSERT_EQ(qemu.size(), steps.size());

  const Addresses addresses{.slot = symbol_address(elf, "slot"),
                            .machine_entry = symbol_address(elf, "machine_entry"),
                            .supervisor_entry = symbol_address(elf, "supervisor_entry"),
                            .virtual_entry = symbol_address(elf, "virtual_entry"),
                            .guest_value = steps.size()};
  Comparison comparison;
  for (std::size_t i = 0; i < steps.size() && !comparison.enough(); ++i)
    comparison.compare(i, steps[i], run_on_model(steps[i], addresses), qemu[i]);
  comparison.print();
}

}  // namespace
}  // namespace hvsim::cpu::witness
