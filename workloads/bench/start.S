# Machine-mode start of the benchmark programs: hart 0 runs, floating point is on, other harts sleep.

#define MSTATUS_FS_INITIAL 0x2000

  .section .text.start, "ax"
bench_entry:
  csrw mie, zero
  la t0, bench_park
  csrw mtvec, t0
  csrr t0, mhartid
  bnez t0, bench_park
  li t0, MSTATUS_FS_INITIAL
  csrs mstatus, t0
  fscsr zero
  la sp, stack_top
  call bench_main

  .balign 4
bench_park:
  wfi
  j bench_park
