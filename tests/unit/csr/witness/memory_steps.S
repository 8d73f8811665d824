// Runs steps, each one load or store in machine mode with MPRV lending it another mode, or an HLV or HSV, over
// given page tables; sends what became of it, and at the end the page tables, through the UART.
//
// Steps lie at 0x81000000: their number, then per step the instruction, x5 (its address), x6 (its data), satp,
// vsatp, hgatp, hstatus, vsstatus, menvcfg, henvcfg, mstatus. Sent per step: x10, mcause, mtval, mtval2, mtinst.

.equ STEPS,    0x81000000
.equ RESULTS,  0x82000000
.equ TABLES,   0x83000000
.equ TABLES_END, 0x83010000
.equ UART,     0x10000000
.equ FINISHER, 0x00100000

.section .text.start, "ax"
.globl _start
_start:
  la t0, machine_entry
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1F
  csrw pmpcfg0, t0
  li s0, STEPS
  ld s2, 0(s0)
  addi s0, s0, 8
  li s1, RESULTS
  la s3, slot

next_step:
  beqz s2, send
  addi s2, s2, -1
  ld t1, 0(s0)
  sw t1, 0(s3)
  fence.i
  ld t1, 24(s0)
  csrw satp, t1
  ld t1, 32(s0)
  csrw 0x280, t1              // vsatp
  ld t1, 40(s0)
  csrw 0x680, t1              // hgatp
  ld t1, 48(s0)
  csrw 0x600, t1              // hstatus
  ld t1, 56(s0)
  csrw 0x200, t1              // vsstatus
  sfence.vma
  .insn r 0x73, 0, 0x11, x0, x0, x0   // hfence.vvma
  .insn r 0x73, 0, 0x31, x0, x0, x0   // hfence.gvma
  ld t1, 64(s0)
  csrw 0x30A, t1              // menvcfg
  ld t1, 72(s0)
  csrw 0x60A, t1              // henvcfg
  ld t3, 80(s0)
  ld x5, 8(s0)
  ld x6, 16(s0)
  li a0, 0x5A5A
  addi s0, s0, 88
  csrw mstatus, t3            // from here on loads and stores are the step's
  jr s3

.balign 8
.option push
.option norvc
slot:
  nop
  ecall
  j .
.option pop

.balign 64
machine_entry:
  sd a0, 0(s1)                // MPP is machine now, so MPRV changes nothing
  csrr t1, mcause
  sd t1, 8(s1)
  csrr t1, mtval
  sd t1, 16(s1)
  csrr t1, 0x34B              // mtval2
  sd t1, 24(s1)
  csrr t1, 0x34A              // mtinst
  sd t1, 32(s1)
  addi s1, s1, 40
  li t1, 1 << 17              // MPRV
  csrc mstatus, t1
  j next_step

send:
  li t0, RESULTS
  mv t1, s1
  jal send_bytes
  li t0, TABLES
  li t1, TABLES_END
  jal send_bytes
  li t0, FINISHER
  li t1, 0x5555
  sw t1, 0(t0)
  j .

send_bytes:                   // from t0 to t1
  li t2, UART
1:
  bgeu t0, t1, 3f
  lbu t3, 0(t0)
2:
  lbu t4, 5(t2)
  andi t4, t4, 0x20
  beqz t4, 2b
  sb t3, 0(t2)
  addi t0, t0, 1
  j 1b
3:
  ret
