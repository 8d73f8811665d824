# The ways into the kernel. This first part is mapped at the same address in every address space, so that it
# goes on where it is when satp changes. Its offsets are kernel::TrapFrame's.

#define PC 248
#define KERNEL_SATP 256
#define KERNEL_STACK 264
#define HART 272
#define HANDLER 280

  .section .text.trampoline, "ax"
  .balign 4096
  .globl trampoline_start, user_trap_vector, enter_user
trampoline_start:

# A trap from a process, still in its address space. sscratch: the address of its trap frame.
user_trap_vector:
  csrrw t6, sscratch, t6
  .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
  sd x\n, (\n - 1) * 8(t6)
  .endr
  csrr t0, sscratch
  sd t0, 30 * 8(t6)
  csrr t0, sepc
  sd t0, PC(t6)
  ld sp, KERNEL_STACK(t6)
  ld tp, HART(t6)
  ld t0, HANDLER(t6)
  ld t1, KERNEL_SATP(t6)
  csrw satp, t1
  sfence.vma zero, zero
  jr t0

# enter_user(satp, address of the trap frame there)
enter_user:
  csrw satp, a0
  sfence.vma zero, zero
  csrw sscratch, a1
  mv t6, a1
  ld t0, PC(t6)
  csrw sepc, t0
  .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
  ld x\n, (\n - 1) * 8(t6)
  .endr
  ld t6, 30 * 8(t6)
  sret
  .balign 4096

# A trap from the kernel itself, on the stack it runs on: saves what a called function may change. Not tp: the
# code may go on on another hart.
  .text
  .balign 4
  .globl kernel_trap_vector
kernel_trap_vector:
  addi sp, sp, -128
  sd ra, 0(sp)
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
  sd a\n, (\n + 1) * 8(sp)
  .endr
  .irp n, 0, 1, 2, 3, 4, 5, 6
  sd t\n, (\n + 9) * 8(sp)
  .endr
  call kernel_trap
  ld ra, 0(sp)
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7
  ld a\n, (\n + 1) * 8(sp)
  .endr
  .irp n, 0, 1, 2, 3, 4, 5, 6
  ld t\n, (\n + 9) * 8(sp)
  .endr
  addi sp, sp, 128
  sret
