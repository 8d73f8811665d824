# The first instructions of each hart, in machine mode at 0x80000000, and the machine-mode timer interrupt.

#define MAX_HARTS 8
#define STIMECMP 0x14D

  .section .text.entry, "ax"
  .globl entry
entry:
  csrw mie, zero
  csrr t0, mhartid
  li t1, MAX_HARTS
  bgeu t0, t1, park
  la sp, hart_stacks           # a page for each hart; they grow down
  addi t0, t0, 1
  slli t0, t0, 12
  add sp, sp, t0
  call machine_start
park:
  wfi
  j park

# Without Sstc, only machine mode has a timer. Its interrupt sets the next deadline and passes the tick on as
# a supervisor software interrupt. mscratch: this hart's kernel::MachineTimer.
  .balign 4
  .globl machine_timer_vector
machine_timer_vector:
  csrrw a0, mscratch, a0
  sd a1, 0(a0)
  sd a2, 8(a0)
  ld a1, 16(a0)                # mtimecmp's address
  ld a2, 24(a0)                # ticks between interrupts
  sd a3, 32(a0)
  ld a3, 0(a1)
  add a3, a3, a2
  sd a3, 0(a1)
  ld a3, 32(a0)
  csrsi sip, 2                 # SSIP
  ld a2, 8(a0)
  ld a1, 0(a0)
  csrrw a0, mscratch, a0
  mret

# bool machine_has_stimecmp(): reads the register. Where there is none, the trap skips what would answer yes.
  .globl machine_has_stimecmp
machine_has_stimecmp:
  la t0, 1f
  csrw mtvec, t0
  li a0, 0
  csrr t0, STIMECMP
  li a0, 1
  .balign 4
1:
  ret

  .section .bss
  .balign 4096
hart_stacks:
  .space 4096 * MAX_HARTS
