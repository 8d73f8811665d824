# The first byte of a bare image: M-mode on every hart, a1 = device tree (if any). Also the M-mode trap vector.

  .section .text.monitor_start, "ax"
  .globl monitor_entry
monitor_entry:
  csrw mie, zero
  la t0, monitor_park
  csrw mtvec, t0
  csrr t0, mhartid
  bnez t0, monitor_park
  la sp, monitor_stack_top
  la t0, monitor_bss_start
  la t1, monitor_bss_end
1:
  bgeu t0, t1, 2f
  sd zero, 0(t0)
  addi t0, t0, 8
  j 1b
2:
  mv s0, a1
  la t0, monitor_trap_vector
  csrw mtvec, t0
  mv a0, s0
  call monitor_setup           # returns the address of BootInfo
  mv a1, a0
  la t0, guest_entry
  csrw mepc, t0
  csrw mscratch, sp
  li a0, 0
  mret

  .balign 4
monitor_park:
  wfi
  j monitor_park

# mscratch holds the monitor's stack while S-mode runs. bare::Frame: x1..x31, then mepc.
  .balign 4
monitor_trap_vector:
  csrrw sp, mscratch, sp
  addi sp, sp, -256
  sd ra, 0(sp)
  .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  sd x\n, (\n - 1) * 8(sp)
  .endr
  csrr t0, mscratch
  sd t0, 8(sp)
  csrr t0, mepc
  sd t0, 248(sp)
  mv a0, sp
  call monitor_trap
  ld t0, 248(sp)
  csrw mepc, t0
  ld t0, 8(sp)
  addi t1, sp, 256
  csrw mscratch, t1
  ld ra, 0(sp)
  .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
  ld x\n, (\n - 1) * 8(sp)
  .endr
  ld sp, 8(sp)
  mret

  .section .monitor_data, "aw", @nobits
  .balign 16
  .space 8192
monitor_stack_top:
