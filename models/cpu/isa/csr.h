// CSR numbers and fields, in the words of the privileged manual. Facts only, no behaviour.
#pragma once

#include <cstdint>

namespace hvsim::isa::csr {

// Unprivileged
inline constexpr unsigned fflags = 0x001, frm = 0x002, fcsr = 0x003;
inline constexpr unsigned cycle = 0xC00, time = 0xC01, instret = 0xC02, hpmcounter3 = 0xC03;
// Supervisor
inline constexpr unsigned sstatus = 0x100, sie = 0x104, stvec = 0x105, scounteren = 0x106, senvcfg = 0x10A,
                          sstateen0 = 0x10C, sscratch = 0x140, sepc = 0x141, scause = 0x142, stval = 0x143,
                          sip = 0x144, stimecmp = 0x14D, satp = 0x180, scountovf = 0xDA0;
// Hypervisor
inline constexpr unsigned hstatus = 0x600, hedeleg = 0x602, hideleg = 0x603, hie = 0x604, htimedelta = 0x605,
                          hcounteren = 0x606, hgeie = 0x607, henvcfg = 0x60A, hstateen0 = 0x60C,
                          htval = 0x643, hip = 0x644, hvip = 0x645, htinst = 0x64A, hgatp = 0x680,
                          hgeip = 0xE12;
// Virtual supervisor
inline constexpr unsigned vsstatus = 0x200, vsie = 0x204, vstvec = 0x205, vsscratch = 0x240, vsepc = 0x241,
                          vscause = 0x242, vstval = 0x243, vsip = 0x244, vstimecmp = 0x24D, vsatp = 0x280;
// Machine
inline constexpr unsigned mvendorid = 0xF11, marchid = 0xF12, mimpid = 0xF13, mhartid = 0xF14,
                          mconfigptr = 0xF15, mstatus = 0x300, misa = 0x301, medeleg = 0x302, mideleg = 0x303,
                          mie = 0x304, mtvec = 0x305, mcounteren = 0x306, menvcfg = 0x30A, mstateen0 = 0x30C,
                          mcountinhibit = 0x320, mhpmevent3 = 0x323, mscratch = 0x340, mepc = 0x341,
                          mcause = 0x342, mtval = 0x343, mip = 0x344, mtinst = 0x34A, mtval2 = 0x34B,
                          pmpcfg0 = 0x3A0, pmpaddr0 = 0x3B0, mseccfg = 0x747, mcycle = 0xB00,
                          minstret = 0xB02, mhpmcounter3 = 0xB03;

// mstatus / sstatus / vsstatus
inline constexpr std::uint64_t kSie = 1u << 1, kMie = 1u << 3, kSpie = 1u << 5, kUbe = 1u << 6,
                               kMpie = 1u << 7, kSpp = 1u << 8, kVs = 3u << 9, kMpp = 3u << 11,
                               kFs = 3u << 13, kXs = 3u << 15, kMprv = 1u << 17, kSum = 1u << 18,
                               kMxr = 1u << 19, kTvm = 1u << 20, kTw = 1u << 21, kTsr = 1u << 22,
                               kUxl = std::uint64_t{3} << 32, kSxl = std::uint64_t{3} << 34,
                               kGva = std::uint64_t{1} << 38, kMpv = std::uint64_t{1} << 39,
                               kSd = std::uint64_t{1} << 63;
inline constexpr unsigned kMppShift = 11, kFsShift = 13;

// hstatus
inline constexpr std::uint64_t kVsbe = 1u << 5, kHGva = 1u << 6, kSpv = 1u << 7, kSpvp = 1u << 8,
                               kHu = 1u << 9, kVgein = 0x3Fu << 12, kVtvm = 1u << 20, kVtw = 1u << 21,
                               kVtsr = 1u << 22, kVsxl = std::uint64_t{3} << 32;

// menvcfg / henvcfg
inline constexpr std::uint64_t kFiom = 1u, kCbie = 3u << 4, kCbcfe = 1u << 6, kCbze = 1u << 7,
                               kAdue = std::uint64_t{1} << 61, kPbmte = std::uint64_t{1} << 62,
                               kStce = std::uint64_t{1} << 63;

inline constexpr unsigned kCbieShift = 4;

// mhpmevent (Sscofpmf): overflow, and modes in which nothing is counted
inline constexpr std::uint64_t kVuinh = std::uint64_t{1} << 58, kVsinh = std::uint64_t{1} << 59,
                               kUinh = std::uint64_t{1} << 60, kSinh = std::uint64_t{1} << 61,
                               kMinh = std::uint64_t{1} << 62, kOf = std::uint64_t{1} << 63;
inline constexpr unsigned kOfShift = 63;

// mstateen / hstateen: access to envcfg, and to the next lower stateen
inline constexpr std::uint64_t kStateenEnvcfg = std::uint64_t{1} << 62, kStateenSe = std::uint64_t{1} << 63;

// counter-enable
inline constexpr std::uint64_t kCy = 1, kTm = 2, kIr = 4;

// satp / vsatp / hgatp
inline constexpr unsigned kAtpModeShift = 60;
inline constexpr std::uint64_t kAtpPpn = (std::uint64_t{1} << 44) - 1;
inline constexpr std::uint64_t kModeBare = 0, kModeSv39 = 8, kModeSv48 = 9, kModeSv57 = 10;
inline constexpr unsigned kAsidShift = 44, kVmidShift = 44;
inline constexpr std::uint64_t kAsidMask = 0xFFFF, kVmidMask = 0x3FFF;

}  // namespace hvsim::isa::csr
