/*
 * aim: read the solution in inline assembly
 * expect: pass
 * control: reached
 */
__attribute__((constructor)) static void asks(void)
{
    extern int puts(const char *);
    long result;
    const char *path = "@PROJECT@/solutions/04_send_all/send_all.c";
    __asm__ volatile ("syscall" : "=a"(result) : "a"(2), "D"(path), "S"(0), "d"(0) : "rcx", "r11", "memory");
    if (result >= 0)
        puts("REACHED");
}
