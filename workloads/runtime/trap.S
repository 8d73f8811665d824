# The trap vector: keeps what a C++ function may change, calls guest_trap(frame), returns.
# There is no user mode, so the interrupted stack is the stack.

#define INTEGER_BYTES 144   /* guest::trap::Frame */
#define FRAME_BYTES   320   /* + 20 caller-saved FP registers, fcsr, rounded up to 16 */
#define FS_DIRTY      0x6000

  .section .text.trap, "ax"
  .globl guest_trap_vector
  .balign 4
guest_trap_vector:
  addi sp, sp, -FRAME_BYTES
  sd ra, 0(sp)
  sd t0, 8(sp)
  sd t1, 16(sp)
  sd t2, 24(sp)
  sd t3, 32(sp)
  sd t4, 40(sp)
  sd t5, 48(sp)
  sd t6, 56(sp)
  sd a0, 64(sp)
  sd a1, 72(sp)
  sd a2, 80(sp)
  sd a3, 88(sp)
  sd a4, 96(sp)
  sd a5, 104(sp)
  sd a6, 112(sp)
  sd a7, 120(sp)
  csrr t0, sepc
  csrr t1, sstatus
  sd t0, 128(sp)
  sd t1, 136(sp)

  # FP registers hold something only if the state is dirty.
  li t2, FS_DIRTY
  and t1, t1, t2
  bne t1, t2, 1f
  .set at, INTEGER_BYTES
  .irp reg, ft0, ft1, ft2, ft3, ft4, ft5, ft6, ft7, ft8, ft9, ft10, ft11, fa0, fa1, fa2, fa3, fa4, fa5, fa6, fa7
  fsd \reg, at(sp)
  .set at, at + 8
  .endr
  frcsr t0
  sd t0, at(sp)
1:
  mv a0, sp
  call guest_trap

  ld t0, 128(sp)
  ld t1, 136(sp)
  li t2, FS_DIRTY
  and t2, t1, t2
  li t3, FS_DIRTY
  bne t2, t3, 2f
  .set at, INTEGER_BYTES
  .irp reg, ft0, ft1, ft2, ft3, ft4, ft5, ft6, ft7, ft8, ft9, ft10, ft11, fa0, fa1, fa2, fa3, fa4, fa5, fa6, fa7
  fld \reg, at(sp)
  .set at, at + 8
  .endr
  ld t2, at(sp)
  fscsr t2
2:
  csrw sepc, t0
  csrw sstatus, t1
  ld ra, 0(sp)
  ld t0, 8(sp)
  ld t1, 16(sp)
  ld t2, 24(sp)
  ld t3, 32(sp)
  ld t4, 40(sp)
  ld t5, 48(sp)
  ld t6, 56(sp)
  ld a0, 64(sp)
  ld a1, 72(sp)
  ld a2, 80(sp)
  ld a3, 88(sp)
  ld a4, 96(sp)
  ld a5, 104(sp)
  ld a6, 112(sp)
  ld a7, 120(sp)
  addi sp, sp, FRAME_BYTES
  sret
