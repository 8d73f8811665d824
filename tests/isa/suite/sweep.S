# Every CSR, and the instructions of the H extension, Svinval, Zicbom and Zicboz, from every mode below M under
# several settings of the enables: which accesses trap, and how.
#include "tests/isa/suite/sweep.h"

  .option norvc
  .section .text.start, "ax"
  .global _start
_start:
  la t0, trap
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  li t0, 0x2004000  // mtimecmp: never
  li t1, -1
  sd t1, 0(t0)
  csrw mie, zero
  csrw medeleg, zero
  csrw mideleg, zero
  li s0, SWEEP_RECORDS
  li s5, 0  // state
state_loop:
  li s6, 0  // mode: S in bit 0, V in bit 1
mode_loop:
  // Everything is open, but for one thing.
  li t0, -1
  csrw mcounteren, t0
  csrw 0x606, t0
  csrw scounteren, t0
  .irp n, 0x30C, 0x30D, 0x30E, 0x30F, 0x60C, 0x60D, 0x60E, 0x60F
  csrw \n, t0
  .endr
  li t0, 0xE0000000000000F1
  csrw 0x30A, t0
  csrw 0x60A, t0
  csrw 0x10A, t0
  csrw 0x14D, t0
  csrw 0x24D, t0
  li t0, 1 << 20 | 3 << 11 | 1 << 39
  csrc mstatus, t0
  li t0, 3 << 13
  csrs mstatus, t0
  csrs 0x200, t0
  csrw 0x600, zero
  slli t0, s5, 5
  la t1, states
  add t1, t1, t0
  jr t1

  .balign 32
states:
  j go
  .balign 32
  csrw mcounteren, zero
  j go
  .balign 32
  csrw 0x606, zero  // hcounteren
  j go
  .balign 32
  csrw scounteren, zero
  j go
  .balign 32
  li t0, 1 << 20  // TVM and VTVM
  csrs mstatus, t0
  csrs 0x600, t0
  j go
  .balign 32
  li t0, 3 << 13  // mstatus.FS
  csrc mstatus, t0
  j go
  .balign 32
  li t0, 3 << 13  // vsstatus.FS
  csrc 0x200, t0
  j go
  .balign 32
  csrw 0x30A, zero  // menvcfg
  j go
  .balign 32
  csrw 0x60A, zero  // henvcfg
  j go
  .balign 32
  csrw 0x10A, zero  // senvcfg, and hstatus.HU
  li t0, 1 << 9
  csrs 0x600, t0
  j go
  .balign 32
  csrw 0x30C, zero  // mstateen0
  j go
  .balign 32
  csrw 0x60C, zero  // hstateen0
  j go

go:
  andi t0, s6, 1
  slli t0, t0, 11
  csrs mstatus, t0
  andi t0, s6, 2
  slli t0, t0, 38
  csrs mstatus, t0
  la t0, lower
  csrw mepc, t0
  mret

lower:
  li s1, 0
1:
  sd zero, 0(s0)
  slli t0, s1, 3
  la s2, readers
  add s2, s2, t0
  la s3, writers
  add s3, s3, t0
  li a0, 0
  jalr s2
  jalr s3
  addi s0, s0, 8
  addi s1, s1, 1
  li t0, SWEEP_CSRS
  bne s1, t0, 1b
  .irp word, 0x12000073, 0x22000073, 0x62000073, 0x68054573, 0x6ab54073, 0x6c354573, 0x16000073, 0x18000073, 0x18100073, 0x26000073, 0x66000073, 0x0045200f, 0x0005200f, 0x0015200f, 0x0025200f, 0x0000100f
  sd zero, 0(s0)
  la a0, scratch
  li a1, 0
  .word \word
  addi s0, s0, 8
  .endr
  ecall

  .balign 4
trap:
  csrw mscratch, t0
  csrr t0, mcause
  addi t0, t0, -8
  sltiu t0, t0, 3
  bnez t0, next
  csrw mtval, t1
  ld t0, 0(s0)
  slli t0, t0, 8
  csrr t1, mcause
  addi t1, t1, 1
  or t0, t0, t1
  sd t0, 0(s0)
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  csrr t1, mtval
  csrr t0, mscratch
  mret
next:
  addi s6, s6, 1
  li t0, SWEEP_MODES
  bne s6, t0, mode_loop
  addi s5, s5, 1
  li t0, SWEEP_STATES
  bne s5, t0, state_loop
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
  j .

  .balign 64
readers:
  .set n, 0
  .rept SWEEP_CSRS
  csrr a0, n
  ret
  .set n, n + 1
  .endr
writers:
  .set n, 0
  .rept SWEEP_CSRS
  csrw n, a0
  ret
  .set n, n + 1
  .endr
  .balign 64
scratch: .zero 64
