/*
 * aim: trace the launcher in inline assembly
 * expect: pass
 * control: none
 */
__attribute__((constructor)) static void asks(void)
{
    extern int puts(const char *);
    long result;
    __asm__ volatile ("mov $0, %%r10\n syscall"
                      : "=a"(result) : "a"(101), "D"(16), "S"(1), "d"(0) : "rcx", "r10", "r11", "memory");
    if (result >= 0)
        puts("REACHED");
}
