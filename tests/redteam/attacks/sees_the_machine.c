/*
 * aim: ask the preprocessor what is on the machine
 * expect: pass
 * control: reached
 */
#if __has_include("/etc/passwd")
__attribute__((constructor)) static void found(void)
{
    extern int puts(const char *);
    puts("REACHED passwd");
}
#endif
