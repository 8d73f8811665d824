# Boots to suite_main, catches traps of every level, and moves between modes. All code runs at its physical
# address: first-stage tables map it to itself.
  .section .text.start, "ax"
  .global _start
_start:
  csrr t0, mhartid
  bnez t0, park
  la sp, stack_top
  la t0, machine_area
  csrw mscratch, t0
  la t0, machine_trap
  csrw mtvec, t0
  li t0, -1
  csrw pmpaddr0, t0
  li t0, 0x1f
  csrw pmpcfg0, t0
  call suite_main
  # a0: checks that failed. HTIF's reader stops here, QEMU at the finisher.
  slli t1, a0, 1
  ori t1, t1, 1
  la t0, tohost
  sd t1, 0(t0)
  li t0, 0x100000
  li t1, 0x5555
  beqz a0, 1f
  slli t1, a0, 16
  li t2, 0x3333
  or t1, t1, t2
1:
  sw t1, 0(t0)
park:
  wfi
  j park

# Each level: scratch is its save area (t0, t1), record what happened, go on behind the instruction or at
# seen.resume. ECALLs from below M-mode end in M-mode, behind the ECALL.
  .equ count, 0
  .equ level, 8
  .equ cause, 16
  .equ epc, 24
  .equ value, 32
  .equ value2, 40
  .equ instruction, 48
  .equ status, 56
  .equ resume, 64

  .macro record name, number
  csrr t1, \number
  sd t1, \name(t0)
  .endm

  .macro enter scratch
  csrrw t0, \scratch, t0
  sd t1, 8(t0)
  csrr t1, \scratch
  sd t1, 0(t0)
  csrw \scratch, t0
  la t0, seen
  ld t1, count(t0)
  addi t1, t1, 1
  sd t1, count(t0)
  .endm

# Behind the instruction, unless it was an interrupt or there is a place to go on.
  .macro leave scratch, epc_csr, area
  ld t1, resume(t0)
  sd zero, resume(t0)
  bnez t1, 2f
  ld t1, cause(t0)
  bltz t1, 3f
  csrr t1, \epc_csr
  lhu t1, 0(t1)
  andi t1, t1, 3
  addi t1, t1, -3
  seqz t1, t1
  slli t1, t1, 1
  csrr t0, \epc_csr
  add t1, t1, t0
  addi t1, t1, 2
2:
  csrw \epc_csr, t1
3:
  la t0, \area
  ld t1, 8(t0)
  ld t0, 0(t0)
  .endm

  .balign 4
machine_trap:
  csrrw t0, mscratch, t0
  sd t1, 8(t0)
  csrr t1, mcause
  addi t1, t1, -8
  sltiu t1, t1, 3
  bnez t1, go_back
  ld t1, 8(t0)
  csrrw t0, mscratch, t0
  enter mscratch
  li t1, 3
  sd t1, level(t0)
  record cause, mcause
  record epc, mepc
  record value, mtval
  record value2, 0x34B
  record instruction, 0x34A
  record status, mstatus
  # An interrupt is masked, lest it come again.
  ld t1, cause(t0)
  bgez t1, 1f
  csrw mie, zero
1:
  leave mscratch, mepc, machine_area
  mret

# To M-mode behind the ECALL.
go_back:
  csrr t1, mepc
  addi t1, t1, 4
  csrw mepc, t1
  li t1, 3 << 11
  csrs mstatus, t1
  ld t1, 8(t0)
  csrrw t0, mscratch, t0
  mret

  .balign 4
  .global supervisor_trap
supervisor_trap:
  enter sscratch
  li t1, 1
  sd t1, level(t0)
  record cause, scause
  record epc, sepc
  record value, stval
  record value2, 0x643
  record instruction, 0x64A
  record status, 0x600
  ld t1, cause(t0)
  bgez t1, 1f
  csrw sie, zero
  csrw 0x604, zero
1:
  leave sscratch, sepc, supervisor_area
  sret

  .balign 4
  .global guest_trap
guest_trap:
  enter sscratch
  sd zero, level(t0)
  record cause, scause
  record epc, sepc
  record value, stval
  sd zero, value2(t0)
  sd zero, instruction(t0)
  record status, sstatus
  ld t1, cause(t0)
  bgez t1, 1f
  csrw sie, zero
1:
  leave sscratch, sepc, guest_area
  sret

# run_in(mode, function, argument): privilege in bits 1:0, V in bit 2. What the function returns.
  .global run_in
run_in:
  addi sp, sp, -16
  sd ra, 0(sp)
  li t0, (3 << 11)
  csrc mstatus, t0
  li t0, 1
  slli t0, t0, 39
  csrc mstatus, t0
  andi t0, a0, 3
  slli t0, t0, 11
  csrs mstatus, t0
  andi t0, a0, 4
  slli t0, t0, 37
  csrs mstatus, t0
  la t0, 1f
  csrw mepc, t0
  mv t2, a1
  mv a0, a2
  mret
1:
  jalr t2
  ecall
  ld ra, 0(sp)
  addi sp, sp, 16
  ret

  .section .tohost, "aw"
  .balign 64
  .global tohost
tohost: .dword 0
  .balign 64
  .global fromhost
fromhost: .dword 0

  .data
  .balign 16
  .global seen, supervisor_area, guest_area
seen: .zero 72
machine_area: .zero 16
supervisor_area: .zero 16
guest_area: .zero 16

# A vectored table: whoever comes through entry 1 leaves 1 in vector_taken.
  .text
  .balign 64
  .global vectors, vector_taken
  .option push
  .option norvc  # an entry has four bytes
vectors:
  j machine_trap
  j 1f
  .rept 14
  j machine_trap
  .endr
  .option pop
1:
  csrrw t0, mscratch, t0
  sd t1, 8(t0)
  la t1, vector_taken
  sd t1, 0(t1)
  ld t1, 8(t0)
  csrrw t0, mscratch, t0
  j machine_trap
  .data
  .balign 8
vector_taken: .dword 0
