# Where the firmware enters: the boot hart at the image's first byte, the others where hart_start sends them.
# OpenSBI 1.1 tells a hart to start before it has noted where: one that comes late to wait for that may be sent to
# the image's first byte, too. Whoever is not the first there is such a hart, and goes where it was to be.
    .set    STACK_SHIFT, 14  # of main.cpp's stacks
    .set    NUMBER_AT, -16   # where the hart's number is, from a stack's end

    .section .data
    .balign 4
boot_hart_came:
    .word   0

    .section .text.boot, "ax"
    .global _start
_start:
    lla     t0, boot_hart_came
    li      t1, 1
    amoswap.w.aqrl t1, t1, (t0)
    bnez    t1, sent_astray
    csrw    sie, zero
    csrw    sscratch, zero
    lla     t0, riscv_trap
    csrw    stvec, t0
    lla     t0, image_bss_start
    lla     t1, image_bss_end
1:  bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
2:  lla     sp, boot_stack_top
    tail    riscv_boot

sent_astray:
    addi    t0, a0, 1
    slli    t0, t0, STACK_SHIFT
    lla     a1, stacks_start
    add     a1, a1, t0
    addi    a1, a1, NUMBER_AT
    .global riscv_secondary_start
riscv_secondary_start:
    csrw    sie, zero
    csrw    sscratch, zero
    lla     t0, riscv_trap
    csrw    stvec, t0
    mv      sp, a1
    tail    riscv_secondary
