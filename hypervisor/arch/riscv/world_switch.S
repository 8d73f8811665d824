# The world switch: general registers and four CSRs out at a trap, in at an entry; fences and FP registers.
    .option arch, +h
    .set sepc_at, 256
    .set sstatus_at, 264
    .set hstatus_at, 272
    .set hvip_at, 280
    .set stack_at, 288
    .set mark_phase, 16
    .set phase_save, 1

    .macro each_but_a0 operation
    \operation x1, 8(a0)
    \operation x2, 16(a0)
    \operation x3, 24(a0)
    \operation x4, 32(a0)
    \operation x5, 40(a0)
    \operation x6, 48(a0)
    \operation x7, 56(a0)
    \operation x8, 64(a0)
    \operation x9, 72(a0)
    .irp n, 11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    \operation x\n, 8*\n(a0)
    .endr
    .endm

    .section .text.world_switch, "ax"
# sscratch holds the running VCPU's GeneralRegisters while V=1, and 0 while the hypervisor runs.
    .global riscv_trap
    .balign 4
riscv_trap:
    csrrw   a0, sscratch, a0
    beqz    a0, own_trap
    each_but_a0 sd
    li      t0, phase_save
    sltiu   x0, t0, mark_phase
    csrrw   t1, sscratch, zero
    csrr    t2, sepc
    csrr    t3, sstatus
    csrr    t4, hstatus
    csrr    t5, hvip
    sd      t1, 80(a0)
    sd      t2, sepc_at(a0)
    sd      t3, sstatus_at(a0)
    sd      t4, hstatus_at(a0)
    sd      t5, hvip_at(a0)
    ld      sp, stack_at(a0)
    call    riscv_exit

    .global riscv_enter_guest
riscv_enter_guest:
    ld      t2, sepc_at(a0)
    ld      t3, sstatus_at(a0)
    ld      t4, hstatus_at(a0)
    ld      t5, hvip_at(a0)
    csrw    sepc, t2
    csrw    sstatus, t3
    csrw    hstatus, t4
    csrw    hvip, t5
    csrw    sscratch, a0
    each_but_a0 ld
    ld      a0, 80(a0)
    sltiu   x0, x0, mark_phase      # phase none: the guest
    sret

# A trap out of the hypervisor itself is a bug of ours: say where and power off.
own_trap:
    csrr    a0, scause
    csrr    a1, sepc
    csrr    a2, stval
    tail    riscv_own_trap

    .section .text.fences, "ax"
    .global riscv_hfence_gvma
riscv_hfence_gvma:
    hfence.gvma x0, x0
    ret
    .global riscv_hfence_gvma_page
riscv_hfence_gvma_page:
    hfence.gvma a0, a1
    ret
    .global riscv_hfence_gvma_vmid
riscv_hfence_gvma_vmid:
    hfence.gvma x0, a0
    ret
    .global riscv_hfence_vvma
riscv_hfence_vvma:
    hfence.vvma x0, x0
    ret

    .section .text.probe, "ax"
    .global riscv_has_stimecmp
    .balign 4
riscv_has_stimecmp:
    csrr    t0, stvec
    lla     t1, 1f
    csrw    stvec, t1
    li      a0, 0
    csrr    t2, 0x14d
    li      a0, 1
    .balign 4
1:  csrw    stvec, t0
    ret

# Halfword by halfword, as a fetch may cross a page. With stvec at 1: a fault goes on there.
    .section .text.guest_instruction, "ax"
    .global riscv_read_guest_instruction
    .balign 4
riscv_read_guest_instruction:
    mv      t0, a0
    csrr    t1, stvec
    lla     t2, 1f
    csrw    stvec, t2
    li      a0, -1
    hlvx.hu t3, (t0)
    andi    t4, t3, 3
    addi    t4, t4, -3
    bnez    t4, 2f
    addi    t0, t0, 2
    hlvx.hu t4, (t0)
    slli    t4, t4, 16
    or      t3, t3, t4
2:  mv      a0, t3
    .balign 4
1:  csrw    stvec, t1
    ret

    .option arch, +d
    .section .text.fp, "ax"
    .set fs_initial, 1 << 13
    .global riscv_save_fp
riscv_save_fp:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd     f\n, 8*\n(a0)
    .endr
    csrr    t0, fcsr
    sd      t0, 256(a0)
    ret
    .global riscv_restore_fp
riscv_restore_fp:
    li      t0, fs_initial
    csrs    sstatus, t0
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld     f\n, 8*\n(a0)
    .endr
    ld      t0, 256(a0)
    csrw    fcsr, t0
    ret
