# In the manner of riscv-tests: prints, computes, leaves a signature, and reports by `tohost`. A trap is a
# failure whose code is its cause.
#define MAILBOX_CONSOLE 0x0101
#define SYSTEM_WRITE 64

  .section .text.start, "ax"
  .global htif_entry
htif_entry:
  csrr t0, mhartid
  bnez t0, park
  la t0, trapped
  csrw mtvec, t0

  la s0, letters
1:
  lbu a0, 0(s0)
  beqz a0, 2f
  call put
  addi s0, s0, 1
  j 1b

# A system call by proxy: number, file, address, length.
2:
  la s0, arguments
  li t0, SYSTEM_WRITE
  sd t0, 0(s0)
  li t0, 1
  sd t0, 8(s0)
  la t0, sentence
  sd t0, 16(s0)
  la t1, sentence_end
  sub t1, t1, t0
  sd t1, 24(s0)
  la t1, tohost
  sd s0, 0(t1)
  la t1, fromhost
1:
  ld t2, 0(t1)
  beqz t2, 1b
  sd zero, 0(t1)

# On the very page of `tohost`: stores, a misaligned load, an AMO.
  la s1, begin_signature
  li t0, 0x1122334455667788
  sd t0, 0(s1)
  lw t1, 1(s1)
  sw t1, 8(s1)
  addi t2, s1, 12
  li t1, 3
  amoadd.w zero, t1, (t2)
  sc.w t3, t1, (t2)   # without a reservation: fails
  li a0, 1

end:
  la t1, tohost
  sd a0, 0(t1)
1:
  j 1b

  .balign 4
trapped:
  csrr t0, mcause
  slli a0, t0, 1
  ori a0, a0, 1
  j end

park:
  wfi
  j park

# a0: a character. Waits until it has been taken.
put:
  li t0, MAILBOX_CONSOLE
  slli t0, t0, 48
  or a0, a0, t0
  la t1, tohost
  sd a0, 0(t1)
1:
  ld t2, 0(t1)
  bnez t2, 1b
  ret

  .section .rodata
letters:
  .string "letters\n"
sentence:
  .ascii "a sentence\n"
sentence_end:

  .section .data
  .balign 64
  .global tohost, fromhost, begin_signature, end_signature
tohost:
  .dword 0
  .balign 64
fromhost:
  .dword 0
arguments:
  .zero 32
  .balign 16
begin_signature:
  .zero 12
  .word 2
  .word 0xcafe
end_signature:
