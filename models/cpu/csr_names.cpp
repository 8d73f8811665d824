// The tables "Currently allocated RISC-V CSR addresses" of the privileged manual, in its order.
#include "models/cpu/csr_names.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace hvsim::cpu {
namespace {

using Name = std::pair<unsigned, std::string_view>;

constexpr std::array kNames = std::to_array<Name>({
    {0x001, "fflags"},    {0x002, "frm"},           {0x003, "fcsr"},       {0xC00, "cycle"},
    {0xC01, "time"},      {0xC02, "instret"},       {0x100, "sstatus"},    {0x104, "sie"},
    {0x105, "stvec"},     {0x106, "scounteren"},    {0x10A, "senvcfg"},    {0x10C, "sstateen0"},
    {0x10D, "sstateen1"}, {0x10E, "sstateen2"},     {0x10F, "sstateen3"},  {0x120, "scountinhibit"},
    {0x140, "sscratch"},  {0x141, "sepc"},          {0x142, "scause"},     {0x143, "stval"},
    {0x144, "sip"},       {0x14D, "stimecmp"},      {0xDA0, "scountovf"},  {0x180, "satp"},
    {0x5A8, "scontext"},  {0x600, "hstatus"},       {0x602, "hedeleg"},    {0x603, "hideleg"},
    {0x604, "hie"},       {0x606, "hcounteren"},    {0x607, "hgeie"},      {0x643, "htval"},
    {0x644, "hip"},       {0x645, "hvip"},          {0x64A, "htinst"},     {0xE12, "hgeip"},
    {0x60A, "henvcfg"},   {0x680, "hgatp"},         {0x6A8, "hcontext"},   {0x605, "htimedelta"},
    {0x60C, "hstateen0"}, {0x60D, "hstateen1"},     {0x60E, "hstateen2"},  {0x60F, "hstateen3"},
    {0x200, "vsstatus"},  {0x204, "vsie"},          {0x205, "vstvec"},     {0x240, "vsscratch"},
    {0x241, "vsepc"},     {0x242, "vscause"},       {0x243, "vstval"},     {0x244, "vsip"},
    {0x24D, "vstimecmp"}, {0x280, "vsatp"},         {0xF11, "mvendorid"},  {0xF12, "marchid"},
    {0xF13, "mimpid"},    {0xF14, "mhartid"},       {0xF15, "mconfigptr"}, {0x300, "mstatus"},
    {0x301, "misa"},      {0x302, "medeleg"},       {0x303, "mideleg"},    {0x304, "mie"},
    {0x305, "mtvec"},     {0x306, "mcounteren"},    {0x340, "mscratch"},   {0x341, "mepc"},
    {0x342, "mcause"},    {0x343, "mtval"},         {0x344, "mip"},        {0x34A, "mtinst"},
    {0x34B, "mtval2"},    {0x30A, "menvcfg"},       {0x747, "mseccfg"},    {0x30C, "mstateen0"},
    {0x30D, "mstateen1"}, {0x30E, "mstateen2"},     {0x30F, "mstateen3"},  {0xB00, "mcycle"},
    {0xB02, "minstret"},  {0x320, "mcountinhibit"},
});

struct Numbered {
  std::string_view stem;
  unsigned base, first, last;  // CSR `base` is the one that `first` numbers
};

constexpr std::array kNumbered = std::to_array<Numbered>({
    {"hpmcounter", 0xC03, 3, 31},
    {"mhpmcounter", 0xB03, 3, 31},
    {"mhpmevent", 0x323, 3, 31},
    {"pmpcfg", 0x3A0, 0, 15},
    {"pmpaddr", 0x3B0, 0, 63},
});

}  // namespace

std::string csr_name(unsigned number) {
  const auto* const found = std::ranges::find(kNames, number, &Name::first);
  if (found != kNames.end()) return std::string(found->second);
  for (const Numbered& group : kNumbered)
    if (number - group.base <= group.last - group.first)
      return std::string(group.stem) + std::to_string(number - group.base + group.first);
  return {};
}

}  // namespace hvsim::cpu
