# A stack for each of two harts, in M-mode; others sleep.
    .section .text.start, "ax"
    .global _start
_start:
    csrr    a0, mhartid
    li      t0, 1
    bgtu    a0, t0, sleep
    la      sp, stacks + 4096
    slli    t0, a0, 12
    add     sp, sp, t0
    tail    hart_main
sleep:
    wfi
    j       sleep

    .section .bss
    .balign 16
stacks:
    .zero   8192
