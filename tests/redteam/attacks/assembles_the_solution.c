/*
 * aim: put the solution into its own data
 * expect: build
 * control: none
 */
__asm__(".section .rodata\n.globl stolen\nstolen: .incbin \"@PROJECT@/solutions/04_send_all/send_all.c\"\n.text");
