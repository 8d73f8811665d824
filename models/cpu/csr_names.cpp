// CSR numbers to names; runs of numbered registers are ranges.
#include "models/cpu/csr_names.h"

#include <algorithm>
#include <array>

namespace hvsim::cpu {
namespace {

struct Named {
  unsigned number;
  const char* name;
};

// By number; those of RV32 and of AIA too, so that they can be named where code mentions them.
constexpr std::array kNames{
    Named{0x001, "fflags"},        Named{0x002, "frm"},        Named{0x003, "fcsr"},
    Named{0x008, "vstart"},        Named{0x009, "vxsat"},      Named{0x00A, "vxrm"},
    Named{0x00F, "vcsr"},          Named{0x015, "seed"},       Named{0x100, "sstatus"},
    Named{0x104, "sie"},           Named{0x105, "stvec"},      Named{0x106, "scounteren"},
    Named{0x10A, "senvcfg"},       Named{0x10C, "sstateen0"},  Named{0x10D, "sstateen1"},
    Named{0x10E, "sstateen2"},     Named{0x10F, "sstateen3"},  Named{0x114, "sieh"},
    Named{0x120, "scountinhibit"}, Named{0x140, "sscratch"},   Named{0x141, "sepc"},
    Named{0x142, "scause"},        Named{0x143, "stval"},      Named{0x144, "sip"},
    Named{0x14D, "stimecmp"},      Named{0x150, "siselect"},   Named{0x151, "sireg"},
    Named{0x154, "siph"},          Named{0x15C, "stopei"},     Named{0x15D, "stimecmph"},
    Named{0x180, "satp"},          Named{0x200, "vsstatus"},   Named{0x204, "vsie"},
    Named{0x205, "vstvec"},        Named{0x214, "vsieh"},      Named{0x240, "vsscratch"},
    Named{0x241, "vsepc"},         Named{0x242, "vscause"},    Named{0x243, "vstval"},
    Named{0x244, "vsip"},          Named{0x24D, "vstimecmp"},  Named{0x250, "vsiselect"},
    Named{0x251, "vsireg"},        Named{0x254, "vsiph"},      Named{0x25C, "vstopei"},
    Named{0x25D, "vstimecmph"},    Named{0x280, "vsatp"},      Named{0x300, "mstatus"},
    Named{0x301, "misa"},          Named{0x302, "medeleg"},    Named{0x303, "mideleg"},
    Named{0x304, "mie"},           Named{0x305, "mtvec"},      Named{0x306, "mcounteren"},
    Named{0x308, "mvien"},         Named{0x309, "mvip"},       Named{0x30A, "menvcfg"},
    Named{0x30C, "mstateen0"},     Named{0x30D, "mstateen1"},  Named{0x30E, "mstateen2"},
    Named{0x30F, "mstateen3"},     Named{0x310, "mstatush"},   Named{0x313, "midelegh"},
    Named{0x314, "mieh"},          Named{0x318, "mvienh"},     Named{0x319, "mviph"},
    Named{0x31A, "menvcfgh"},      Named{0x31C, "mstateen0h"}, Named{0x31D, "mstateen1h"},
    Named{0x31E, "mstateen2h"},    Named{0x31F, "mstateen3h"}, Named{0x320, "mcountinhibit"},
    Named{0x340, "mscratch"},      Named{0x341, "mepc"},       Named{0x342, "mcause"},
    Named{0x343, "mtval"},         Named{0x344, "mip"},        Named{0x34A, "mtinst"},
    Named{0x34B, "mtval2"},        Named{0x350, "miselect"},   Named{0x351, "mireg"},
    Named{0x354, "miph"},          Named{0x35C, "mtopei"},     Named{0x5A8, "scontext"},
    Named{0x600, "hstatus"},       Named{0x602, "hedeleg"},    Named{0x603, "hideleg"},
    Named{0x604, "hie"},           Named{0x605, "htimedelta"}, Named{0x606, "hcounteren"},
    Named{0x607, "hgeie"},         Named{0x608, "hvien"},      Named{0x609, "hvictl"},
    Named{0x60A, "henvcfg"},       Named{0x60C, "hstateen0"},  Named{0x60D, "hstateen1"},
    Named{0x60E, "hstateen2"},     Named{0x60F, "hstateen3"},  Named{0x613, "hidelegh"},
    Named{0x615, "htimedeltah"},   Named{0x618, "hvienh"},     Named{0x61A, "henvcfgh"},
    Named{0x61C, "hstateen0h"},    Named{0x61D, "hstateen1h"}, Named{0x61E, "hstateen2h"},
    Named{0x61F, "hstateen3h"},    Named{0x643, "htval"},      Named{0x644, "hip"},
    Named{0x645, "hvip"},          Named{0x646, "hviprio1"},   Named{0x647, "hviprio2"},
    Named{0x64A, "htinst"},        Named{0x655, "hviph"},      Named{0x656, "hviprio1h"},
    Named{0x657, "hviprio2h"},     Named{0x680, "hgatp"},      Named{0x6A8, "hcontext"},
    Named{0x747, "mseccfg"},       Named{0x757, "mseccfgh"},   Named{0x7A0, "tselect"},
    Named{0x7A1, "tdata1"},        Named{0x7A2, "tdata2"},     Named{0x7A3, "tdata3"},
    Named{0x7A4, "tinfo"},         Named{0x7A5, "tcontrol"},   Named{0x7A8, "mcontext"},
    Named{0x7B0, "dcsr"},          Named{0x7B1, "dpc"},        Named{0x7B2, "dscratch0"},
    Named{0x7B3, "dscratch1"},     Named{0xB00, "mcycle"},     Named{0xB02, "minstret"},
    Named{0xB80, "mcycleh"},       Named{0xB82, "minstreth"},  Named{0xC00, "cycle"},
    Named{0xC01, "time"},          Named{0xC02, "instret"},    Named{0xC20, "vl"},
    Named{0xC21, "vtype"},         Named{0xC22, "vlenb"},      Named{0xC80, "cycleh"},
    Named{0xC81, "timeh"},         Named{0xC82, "instreth"},   Named{0xDA0, "scountovf"},
    Named{0xDB0, "stopi"},         Named{0xE12, "hgeip"},      Named{0xEB0, "vstopi"},
    Named{0xF11, "mvendorid"},     Named{0xF12, "marchid"},    Named{0xF13, "mimpid"},
    Named{0xF14, "mhartid"},       Named{0xF15, "mconfigptr"}, Named{0xFB0, "mtopi"},
};
static_assert(std::ranges::is_sorted(kNames, {}, &Named::number));

struct Run {
  unsigned first, count, from;  // the first one's number in its name
  const char* name;
  const char* end = "";
};

constexpr std::array kRuns{Run{0x323, 29, 3, "mhpmevent"},   Run{0x3A0, 16, 0, "pmpcfg"},
                           Run{0x3B0, 64, 0, "pmpaddr"},     Run{0x723, 29, 3, "mhpmevent", "h"},
                           Run{0xB03, 29, 3, "mhpmcounter"}, Run{0xB83, 29, 3, "mhpmcounter", "h"},
                           Run{0xC03, 29, 3, "hpmcounter"},  Run{0xC83, 29, 3, "hpmcounter", "h"}};

}  // namespace

std::string csr_name(unsigned number) {
  const auto* found = std::ranges::lower_bound(kNames, number, {}, &Named::number);
  if (found != kNames.end() && found->number == number) return found->name;
  for (const Run& run : kRuns)
    if (number >= run.first && number - run.first < run.count)
      return run.name + std::to_string(number - run.first + run.from) + run.end;
  return "";
}

}  // namespace hvsim::cpu
