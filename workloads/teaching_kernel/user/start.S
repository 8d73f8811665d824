# Where a program begins: a0 is the address of its argument. Returning from program_main() ends it.

#define CALL_EXIT 1

  .section .text.entry, "ax"
  .globl program_entry
program_entry:
  call program_main
  li a7, CALL_EXIT
  ecall
