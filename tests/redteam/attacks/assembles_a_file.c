/*
 * aim: put a file of the machine into its own data
 * expect: build
 * control: none
 */
__asm__(".section .rodata\n.globl stolen\nstolen: .incbin \"/etc/shadow\"\n.text");
