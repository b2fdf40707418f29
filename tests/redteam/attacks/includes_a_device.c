/*
 * aim: have the compiler read for ever
 * expect: build
 * control: none
 */
#include "/dev/urandom"
