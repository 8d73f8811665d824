# A guest's two entries and its trap vector: as little as possible between the hypervisor and what is tested.
    .section .text.start, "ax"
    .global _start
_start:
    lla     sp, stack_0
    mv      a0, a1
    tail    guest_main

    .global second_start
second_start:
    lla     sp, stack_1
    tail    second_main

    .text
    .global handler
    .balign 4
handler:
    csrr    a0, scause
    csrr    a1, stval
    csrr    a2, sepc
    tail    guest_trapped
