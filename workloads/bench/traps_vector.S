# The two ends of the `traps` benchmark: a caller in S-mode, a handler in M-mode that counts in a1.

  .text
  .globl bench_supervisor_loop, bench_trap_vector
bench_supervisor_loop:
  li a1, 0                 # calls answered
  li a7, 0
1:
  ecall
  bltu a1, a0, 1b
  li a7, -1                # asks for the end
  ecall

  .balign 4
bench_trap_vector:
  csrrw sp, mscratch, sp
  csrr t0, mcause
  li t1, 9                 # environment call from S-mode
  bne t0, t1, 2f
  bltz a7, 2f
  csrr t0, mepc
  addi t0, t0, 4
  csrw mepc, t0
  addi a1, a1, 1
  csrrw sp, mscratch, sp
  mret
2:
  mv a0, a1
  la sp, stack_top
  tail bench_finished
