// Runs steps, each one instruction in some mode from a given set of CSR values, and sends what became of the
// hart through the UART. Every trap vector leads, at last by an ecall, back to machine mode.
//
// Steps lie at 0x81000000: their number, then per step the instruction, x5, x6 and the values of
// WITNESS_LOAD. Sent per step: x10 and the values of WITNESS_DUMP. Nothing but x10 changes in a step.

.equ STEPS,    0x81000000
.equ RESULTS,  0x82000000
.equ UART,     0x10000000
.equ FINISHER, 0x00100000
.equ CLINT_MTIMECMP, 0x02004000

.section .text.start, "ax"
.globl _start
_start:
  li t0, CLINT_MTIMECMP
  li t1, -1
  sd t1, 0(t0)
  csrw 0x14D, t1              // stimecmp
  csrw 0x24D, t1              // vstimecmp
  li s0, STEPS
  ld s2, 0(s0)
  addi s0, s0, 8
  li s1, RESULTS

next_step:
  beqz s2, send
  addi s2, s2, -1
  la s3, slot
  lwu t0, 0(s0)
  sw t0, 0(s3)
  fence.i
  // What every step starts from.
  la t0, machine_entry
  csrw mtvec, t0
  la t0, supervisor_entry
  csrw stvec, t0
  la t0, virtual_entry
  csrw 0x205, t0              // vstvec
  csrw mepc, s3
  addi t0, s3, 4
  csrw sepc, t0
  csrw 0x241, t0              // vsepc
  li t0, 1 << 63              // STCE, without which henvcfg.STCE cannot be cleared
  csrw 0x30A, t0              // menvcfg
  csrw 0x60A, zero            // henvcfg
  csrw 0x30A, zero
  csrw mip, zero
  csrw 0x645, zero            // hvip
  csrw satp, zero
  csrw 0x280, zero            // vsatp
  csrw 0x680, zero            // hgatp
  csrw 0x3A2, zero            // pmpcfg2
  li t0, -1
  csrw pmpaddr0, t0
  csrw 0x3B1, zero            // pmpaddr1
  li t0, 0x1F
  csrw pmpcfg0, t0
  li t0, 3 << 13
  csrs mstatus, t0            // for fcsr
  addi s4, s0, 24
#define WITNESS_LOAD(number) ld t0, 0(s4); addi s4, s4, 8; csrw number, t0;
#define WITNESS_DUMP(number)
#include "witness_csrs.inc"
#undef WITNESS_LOAD
#undef WITNESS_DUMP
  li a0, 0x5A5A
  ld x5, 8(s0)
  ld x6, 16(s0)
  mret

.balign 8
.option push
.option norvc
slot:
  nop
  ecall
  j .
.option pop

.balign 64
supervisor_entry:
  ecall
  j .
.balign 64
virtual_entry:
  ecall
  j .

.balign 64
machine_entry:
  mv s0, s4                   // the next step follows this one's values
  sd a0, 0(s1)
  addi s1, s1, 8
  li s6, 3 << 13
#define WITNESS_LOAD(number)
#define WITNESS_DUMP(number) .if number == 3; csrs mstatus, s6; .endif; csrr t0, number; sd t0, 0(s1); addi s1, s1, 8;
#include "witness_csrs.inc"
  j next_step

send:
  li t0, RESULTS
  li t1, UART
1:
  bgeu t0, s1, 3f
  lbu t2, 0(t0)
2:
  lbu t3, 5(t1)
  andi t3, t3, 0x20
  beqz t3, 2b
  sb t2, 0(t1)
  addi t0, t0, 1
  j 1b
3:
  li t0, FINISHER
  li t1, 0x5555
  sw t1, 0(t0)
  j .
