/*
 * aim: have the solution compiled as its own
 * expect: build
 * control: none
 */
#include "@PROJECT@/solutions/04_send_all/send_all.c"
#define send_all another_name
