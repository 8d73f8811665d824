// A soak with stock Linux in it: two kernels, looked into by introspection, among VMs of ours that churn,
// sleep and attack; scheduler and sharing policy change again and again, and more memory is promised than
// there is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "tests/linux/machines.h"
#include "tests/twin/runs.h"

namespace hvsim::twin {
namespace {

using testing::HasSubstr;

Json linux_vm(const std::string& name, unsigned vcpus) {
  const std::string guest = HVSIM_SOURCE "/build/guests/debian";
  return {{"name", name},
          {"workload", guest + "/Image"},
          {"initrd", guest + "/initramfs.cpio"},
          {"bootargs",
           "console=ttyS0 cryptomgr.notests "
           "initcall_blacklist=jent_mod_init,trace_eval_init,init_trusted_keys,load_system_certificate_list "
           "panic=-1"},
          {"memory_bytes", "128MiB"},
          {"vcpus", vcpus}};
}

Json neighbour(unsigned number, std::mt19937_64& random) {
  const std::string name = "vm" + std::to_string(number);
  switch (random() % 3) {
    case 0:
      return {{"name", name},
              {"workload", "page_churn"},
              {"memory_bytes", "8MiB"},
              {"arguments",
               {{"rounds", 60}, {"burst", 40}, {"pause_us", 2000}, {"work", 16}, {"seed", random() % 1000}}}};
    case 1:
      return {{"name", name},
              {"workload", "wake_up"},
              {"memory_bytes", "2MiB"},
              {"arguments", {{"wakes", 300}, {"period_us", 500}, {"work", 2}}}};
    default:
      return {{"name", name},
              {"workload", "hostile"},
              {"memory_bytes", "6MiB"},
              {"arguments", {{"rounds", 2000}, {"attack", random() % 10}, {"seed", random() % 1000}}}};
  }
}

Json among_all_others(std::mt19937_64& random) {
  constexpr const char* kPolicies[] = {
      "none",  "content_scan", "balloon", "free_page_reporting", "memory_map", "memory_map+content_scan",
      "oracle"};
  Json switches = Json::array();
  for (std::uint64_t at = 5000; at < 400'000; at += 5000 + random() % 40'000)
    switches.push_back({{"at_us", at},
                        {"scheduler", random() % 2 == 0 ? "round_robin" : "credit"},
                        {"sharing", kPolicies[random() % std::size(kPolicies)]}});
  // So that the kernels are looked into when they have booted.
  switches.push_back({{"at_us", 440'000}, {"scheduler", "credit"}, {"sharing", "memory_map"}});
  Json vms = {linux_vm("alpha", 1), linux_vm("beta", 2)};
  for (unsigned i = 0; i < 14; ++i) vms.push_back(neighbour(i, random));
  return {{"version", 1},
          {"name", "linux-soak"},
          {"machine", {{"harts", 3}, {"memory_bytes", "256MiB"}, {"mode", "functional"}}},
          {"hypervisor",
           {{"run", "host"},
            {"delivery", random() % 2 == 0 ? "dlh" : "immediate"},
            {"time_slice_us", 1000},
            {"audit_exits", 100},
            {"sharing",
             {{"policy", "memory_map"},
              {"source", "introspection"},
              {"demand", true},
              {"period_us", 10'000},
              {"pages_per_second", 20'000}}},
            {"switches", switches}}},
          {"vms", vms},
          {"limits", {{"max_cycles", 20'000'000'000}}}};
}

TEST(LinuxSoak, TwoKernelsAmongAllOthersEndTheirSessions) {
  ASSERT_EQ(linux_boot::fetch_guest(), "");
  const char* const seed = std::getenv("HVSIM_SOAK_SEED");
  std::mt19937_64 random(seed == nullptr ? 1 : std::strtoull(seed, nullptr, 10));
  const Json config = among_all_others(random);
  const Outcome outcome = simulate(config, "host");
  ASSERT_EQ(outcome.exit_code, 0) << config.dump(1) << outcome.log;
  std::uint64_t shared = 0;
  for (const char* name : {"alpha", "beta"}) {
    EXPECT_THAT(outcome.console.at(name), HasSubstr("guest: session done\n")) << outcome.log;
    shared += outcome.peak_saved_pages.at(name);
  }
  EXPECT_GT(shared, 0u) << "neither kernel was looked into";
  for (const Json& vm : config.at("vms"))
    if (vm.at("workload") == "page_churn") {
      EXPECT_THAT(outcome.console.at(vm.at("name")), HasSubstr("lost words 0, foreign words 0"));
    }
  std::printf("%llu million guest instructions, %llu pages shared at most\n",
              static_cast<unsigned long long>(outcome.retired / 1'000'000),
              static_cast<unsigned long long>(shared));
}

}  // namespace
}  // namespace hvsim::twin
