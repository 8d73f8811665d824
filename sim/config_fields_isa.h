// The field lists of what harts implement.
#pragma once

#include <array>
#include <tuple>
#include <utility>

#include "sim/config.h"
#include "sim/describe.h"

namespace hvsim::sim {

template <>
struct Named<cpu::AdUpdates> {
  using E = cpu::AdUpdates;
  static constexpr std::array choices{std::pair{E::hardware, "hardware"}, std::pair{E::svade, "svade"},
                                      std::pair{E::svadu, "svadu"}};
};

template <>
struct Named<cpu::Misaligned> {
  static constexpr std::array choices{std::pair{cpu::Misaligned::hardware, "hardware"},
                                      std::pair{cpu::Misaligned::trap, "trap"}};
};

template <>
struct Described<cpu::IsaConfig> {
  using T = cpu::IsaConfig;
  static constexpr auto fields = std::tuple{
      Field{"h", &T::h, Unit::none, "hypervisor extension 1.0"},
      Field{"zbc", &T::zbc, Unit::none, "carry-less multiplication"},
      Field{"zicbom", &T::zicbom, Unit::none, "cbo.inval, cbo.clean and cbo.flush"},
      Field{"zicboz", &T::zicboz, Unit::none, "cbo.zero"},
      Field{"zicond", &T::zicond, Unit::none, "czero.eqz and czero.nez"},
      Field{"time_csr", &T::time_csr, Unit::none, "false: reading time is illegal, for M-mode to emulate"},
      Field{"zihpm", &T::zihpm, Unit::none, "29 hardware performance counters"},
      Field{"sscofpmf", &T::sscofpmf, Unit::none, "their overflow interrupts and mode filters, for sampling"},
      Field{"smstateen", &T::smstateen, Unit::none,
            "state-enable registers; M-mode must then open senvcfg to others"},
      Field{"sstc", &T::sstc, Unit::none, "stimecmp and vstimecmp"},
      Field{"svinval", &T::svinval, Unit::none, "sinval.vma and its kin"},
      Field{"svnapot", &T::svnapot, Unit::none, "64 KiB translations from 16 like PTEs"},
      Field{"svpbmt", &T::svpbmt, Unit::none, "memory types in PTEs, where menvcfg.PBMTE allows them"},
      Field{"ad_updates", &T::ad_updates, Unit::none,
            "A and D bits of PTEs: hardware sets them; svade: walks fault; svadu: as xenvcfg.ADUE says"},
      Field{"misaligned", &T::misaligned, Unit::none,
            "misaligned loads and stores: done by hardware, or trap"},
      Field{"pmp_entries", &T::pmp_entries, Unit::count, "physical memory protection regions",
            Rule{.max = 16}},
      Field{"widest_paging", &T::widest_paging, Unit::none,
            "highest MODE of satp, vsatp and hgatp: 8 is Sv39, 9 is Sv48, 10 is Sv57",
            Rule{.min = 8, .max = 10}}};
};

}  // namespace hvsim::sim
