/*
 * aim: fill the assembler's memory
 * expect: build
 * control: none
 */
__asm__(".rept 2000000000\n.quad 1\n.endr");
