# The first byte of a VM's image: S-mode (VS-mode), a0 = VCPU number, a1 = address of BootInfo.

#define FS_INITIAL 0x2000

  .section .text.start, "ax"
  .globl guest_entry
guest_entry:
  bnez a0, park
  mv tp, a0                    # the number of the VCPU
  csrw sie, zero
  la t0, park
  csrw stvec, t0               # until the runtime installs its vector
  li t0, FS_INITIAL
  csrs sstatus, t0
  fscsr zero
  la gp, __global_pointer$
  la sp, stack_top

  # Loading zeroed .bss already; a restarted VM finds what its last run left there.
  la t0, bss_start
  la t1, bss_end
1:
  bgeu t0, t1, 2f
  sd zero, 0(t0)
  addi t0, t0, 8
  j 1b
2:
  mv a0, a1
  tail guest_start

  # Where runtime/vcpus.cpp sends the others: a1 points to their stack, satp and entry.
  .globl guest_secondary_entry
guest_secondary_entry:
  csrw sie, zero
  la t0, guest_trap_vector
  csrw stvec, t0
  li t0, FS_INITIAL
  csrs sstatus, t0
  fscsr zero
  la gp, __global_pointer$
  mv tp, a0
  ld sp, 0(a1)
  ld t0, 8(a1)
  ld a0, 16(a1)
  sfence.vma
  csrw satp, t0
  sfence.vma
  tail guest_secondary

  .balign 4
park:
  wfi
  j park
