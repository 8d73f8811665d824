# Switching between two kernel contexts: what a function keeps for its caller (kernel::Context).

  .text
  .globl switch_context
switch_context:
  sd ra, 0(a0)
  sd sp, 8(a0)
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
  sd s\n, (\n + 2) * 8(a0)
  .endr
  ld ra, 0(a1)
  ld sp, 8(a1)
  .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
  ld s\n, (\n + 2) * 8(a1)
  .endr
  ret
