/*
 * aim: have the compiler read zeros for ever
 * expect: build
 * control: none
 */
#include "/dev/zero"
