# Where the firmware enters: the boot hart at the image's first byte, the others where hart_start sends them.
    .section .text.boot, "ax"
    .global _start
_start:
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

    .global riscv_secondary_start
riscv_secondary_start:
    csrw    sie, zero
    csrw    sscratch, zero
    lla     t0, riscv_trap
    csrw    stvec, t0
    mv      sp, a1
    tail    riscv_secondary
