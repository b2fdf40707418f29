/*
 * aim: read a file of the machine in the compiler's messages
 * expect: build
 * control: none
 */
#include "/etc/shadow"
