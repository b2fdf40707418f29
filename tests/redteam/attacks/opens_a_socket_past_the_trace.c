/*
 * aim: leave by a family of sockets in inline assembly
 * expect: pass
 * control: none
 */
__attribute__((constructor)) static void asks(void)
{
    extern int puts(const char *);
    long result;
    __asm__ volatile ("syscall" : "=a"(result) : "a"(41), "D"(40), "S"(1), "d"(0) : "rcx", "r11", "memory");
    if (result >= 0)
        puts("REACHED");
}
