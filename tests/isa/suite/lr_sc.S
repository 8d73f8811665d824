# Two harts and LR/SC: no increment is lost, and SC fails after another hart's store even of the same value.
# Reports by HTIF: 0, or which check failed.
  .equ rounds, 2000
  .section .text.start, "ax"
  .global _start
_start:
  csrr s0, mhartid
  li t0, 1
  bgtu s0, t0, park
  la s1, counter
  li s2, rounds
1:
  lr.d t0, (s1)
  addi t0, t0, 1
  sc.d t1, t0, (s1)
  bnez t1, 1b
  addi s2, s2, -1
  bnez s2, 1b
  la s3, arrived
  li t0, 1
  amoadd.d zero, t0, (s3)
2:
  ld t0, 0(s3)
  li t1, 2
  bne t0, t1, 2b
  bnez s0, other

  li a0, 1
  ld t0, 0(s1)
  li t1, 2 * rounds
  bne t0, t1, end
  # The other hart stores another value, and then what was there.
  lr.d t0, (s1)
  la s4, turn
  li t1, 1
  sd t1, 0(s4)
3:
  ld t1, 0(s4)
  li t2, 2
  bne t1, t2, 3b
  li a0, 2
  ld t1, 0(s1)
  bne t0, t1, end
  sc.d t1, zero, (s1)
  beqz t1, end
  # An SC ends a reservation, wherever it goes.
  li a0, 3
  lr.d t0, (s1)
  sc.d t1, t0, (s3)
  sc.d t1, t0, (s1)
  beqz t1, end
  li a0, 0
end:
  slli a0, a0, 1
  ori a0, a0, 1
  la t0, tohost
  sd a0, 0(t0)
  j end

other:
  la s4, turn
1:
  ld t1, 0(s4)
  beqz t1, 1b
  ld t0, 0(s1)
  sd zero, 0(s1)
  sd t0, 0(s1)
  fence
  li t1, 2
  sd t1, 0(s4)
park:
  wfi
  j park

  .section .tohost, "aw"
  .balign 64
  .global tohost, fromhost
tohost: .dword 0
  .balign 64
fromhost: .dword 0
  .balign 64
counter: .dword 0
  .balign 64
arrived: .dword 0
  .balign 64
turn: .dword 0
