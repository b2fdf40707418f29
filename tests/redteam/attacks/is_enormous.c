/*
 * aim: fill the disk with one array
 * expect: build
 * control: none
 */
char enormous[1ul << 32] = { 1 };
