/*
 * aim: read the compiler's environment in its messages
 * expect: build
 * control: none
 */
#include "/proc/self/environ"
