/*
 * aim: end with success when it is loaded
 * expect: crash
 * control: none
 */
#include <unistd.h>
__attribute__((constructor)) static void ends(void)
{
    __asm__ volatile ("syscall" : : "a"(231), "D"(0) : "memory");
}
