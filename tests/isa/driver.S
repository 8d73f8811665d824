// Runs each program of the image from its start state, logs its traps and saves its final state.
#include "tests/isa/layout.h"

  .section .text.boot, "ax"
  .global _start
_start:
  la t0, trap
  csrw mtvec, t0
  li t0, 0x2004000  // mtimecmp: never
  li t1, -1
  sd t1, 0(t0)
  li s10, ORACLE_SLOTS
  li s11, ORACLE_HEADER
next_program:  // s10: its slot, s11: header
  ld t0, ORACLE_CURRENT(s11)
  ld t1, ORACLE_COUNT(s11)
  beq t0, t1, power_off
  csrw mscratch, s10
  mv a0, s10

  // FS on for the f registers; the program's own mstatus is written last.
  li t0, 0x6000
  csrw mstatus, t0
  .set offset, ORACLE_F
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  fld f\n, offset(a0)
  .set offset, offset + 8
  .endr

  csrw 0x30A, zero  // menvcfg: QEMU lets hvip.VSTIP be written only without STCE
  csrw 0x645, zero  // hvip
  .set offset, ORACLE_CSRS
#define ORACLE_CSR(name, number) ld t0, offset(a0); csrw number, t0; .set offset, offset + 8
#include "tests/isa/start_csrs.def"
#undef ORACLE_CSR
  ld t0, ORACLE_STATE_ENABLES(s11)
  beqz t0, 1f
  ld t0, ORACLE_MSTATEEN0(a0)
  csrw 0x30C, t0
  ld t0, ORACLE_HSTATEEN0(a0)
  csrw 0x60C, t0
1:
  sfence.vma
  .option push
  .option arch, +h
  hfence.vvma
  hfence.gvma
  .option pop
  fence.i
  li t0, ORACLE_SCRATCH
  sc.w t1, zero, (t0)  // ends any reservation

  li t1, ORACLE_RESULT_PAGE
  add t1, t1, a0
  li t0, -1
  sd t0, ORACLE_BUNDLE(t1)
  ld t0, ORACLE_START_STATUS(a0)
  csrw mstatus, t0

  ld x1, 8(a0)
  .set offset, 16
  .irp n, 2,3,4,5,6,7,8,9
  ld x\n, offset(a0)
  .set offset, offset + 8
  .endr
  .set offset, 88
  .irp n, 11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  ld x\n, offset(a0)
  .set offset, offset + 8
  .endr
  ld a0, 80(a0)
  mret

power_off:
  li t0, 0x100000
  li t1, 0x5555
  sw t1, 0(t0)
  j .

  .balign 8
trap:
  csrrw a0, mscratch, a0
  addi a0, a0, 1024
  addi a0, a0, 1024
  addi a0, a0, 1024
  addi a0, a0, 1024  // result page
  .set offset, 8
  .irp n, 1,2,3,4,5,6,7,8,9
  sd x\n, offset(a0)
  .set offset, offset + 8
  .endr
  .set offset, 88
  .irp n, 11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  sd x\n, offset(a0)
  .set offset, offset + 8
  .endr
  mv s1, a0
  csrr t0, mscratch
  sd t0, 80(s1)
  li t0, ORACLE_RESULT_PAGE
  sub s0, s1, t0  // slot
  csrw mscratch, s0

  ld t0, ORACLE_TRAPS(s1)
  slli t1, t0, ORACLE_RECORD_SHIFT
  addi t0, t0, 1
  sd t0, ORACLE_TRAPS(s1)
  li t2, ORACLE_LOG_PAGE
  add t1, t1, t2
  add t1, t1, s0
  .set offset, 0
#define ORACLE_CSR(name, number) csrr t2, number; sd t2, offset(t1); .set offset, offset + 8
#include "tests/isa/trap_csrs.def"
#undef ORACLE_CSR
  li t3, ORACLE_SCRATCH
  sc.w t2, zero, (t3)

  // An interrupt, at whatever level it arrived, is taken once.
  csrr t2, mcause
  csrr t3, scause
  or t2, t2, t3
  csrr t3, 0x242  // vscause
  or t2, t2, t3
  bgez t2, 1f
  csrw mie, zero
1:
  // Where the program was: behind the stubs that HS and VS traps go through.
  li s2, ORACLE_STUBS
  li s3, ORACLE_STUB_SRET
  csrr s4, mepc
  li s6, 0  // 1: leave through HS, 2: through VS, 3: through HS and then VS
  li s7, 0  // 1: a stub failed
  bltu s4, s2, located
  addi t0, s3, 0x100
  bgeu s4, t0, located
  li s7, 1
  bgeu s4, s3, unstuck
  csrr t0, mcause
  li t1, 10
  beq t0, t1, from_vs
  li t1, 9
  bne t0, t1, unstuck
  li s7, 0
  li s6, 1
  csrr s4, sepc
  bltu s4, s2, located
  bgeu s4, s3, located
  csrr t0, scause
  li t1, 10
  bne t0, t1, located
  li s6, 3
  csrr s4, 0x241  // vsepc
  j located
from_vs:
  li s7, 0
  li s6, 2
  csrr s4, 0x241
  j located
unstuck:
  li s6, 0
located:
  // Resume at the bundle after the one that trapped, and never at one that was resumed at before.
  ld t0, ORACLE_BUNDLE(s1)
  addi t0, t0, 1
  ld t1, ORACLE_CODE_ADDRESS(s0)
  sub t2, s4, t1
  srli t3, t2, 12
  bnez t3, 1f
  srli t2, t2, ORACLE_BUNDLE_SHIFT
  addi t2, t2, 1
  bleu t2, t0, 1f
  mv t0, t2
1:
  sd t0, ORACLE_BUNDLE(s1)
  ld t2, ORACLE_BUNDLES(s0)
  bgeu t0, t2, finish
  slli t0, t0, ORACLE_BUNDLE_SHIFT
  add t0, t0, t1

  // mret to the program, or to the sret of the stubs.
  csrw mepc, t0
  beqz s6, 2f
  csrw mepc, s3
  li t1, 2
  beq s6, t1, 1f
  csrw sepc, t0
  li t1, 1
  beq s6, t1, 2f
  csrw sepc, s3
1:
  csrw 0x241, t0
2:
  beqz s7, resume
  // A stub could not return: take its place, in the mode that the program began in.
  li t0, 0x400000
  csrc mstatus, t0  // TSR
  csrc 0x600, t0    // hstatus.VTSR
  li t0, 0x8000001800
  csrc mstatus, t0
  ld t1, ORACLE_START_STATUS(s0)
  and t1, t1, t0
  csrs mstatus, t1
resume:
  li t0, 0x20000
  csrc mstatus, t0  // MPRV lasts one bundle
  mv a0, s1
  .set offset, 8
  .irp n, 1,2,3,4,5,6,7,8,9
  ld x\n, offset(a0)
  .set offset, offset + 8
  .endr
  .set offset, 88
  .irp n, 11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  ld x\n, offset(a0)
  .set offset, offset + 8
  .endr
  ld a0, 80(a0)
  mret

finish:
  li t0, 0x6000
  csrs mstatus, t0
  li t0, 0x20000
  csrc mstatus, t0  // MPRV
  .set offset, ORACLE_F
  .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
  fsd f\n, offset(s1)
  .set offset, offset + 8
  .endr
  .set offset, ORACLE_CSRS
#define ORACLE_CSR(name, number) csrr t0, number; sd t0, offset(s1); .set offset, offset + 8
#include "tests/isa/final_csrs.def"
#undef ORACLE_CSR
  li t0, 1
  sd t0, ORACLE_DONE(s1)
  csrw pmpcfg0, zero
  li s11, ORACLE_HEADER
  ld t0, ORACLE_STATE_ENABLES(s11)
  beqz t0, 1f
  csrr t0, 0x30C
  sd t0, ORACLE_MSTATEEN0(s1)
  csrr t0, 0x60C
  sd t0, ORACLE_HSTATEEN0(s1)
1:
  ld t0, ORACLE_CURRENT(s11)
  addi t0, t0, 1
  sd t0, ORACLE_CURRENT(s11)
  li s10, ORACLE_SLOT_BYTES
  add s10, s10, s0
  j next_program

  .section .text.stubs, "ax"
  .option push
  .option norvc
  .rept 64
  ecall
  .endr
  sret
  .option pop
