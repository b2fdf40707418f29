/*
 * aim: ask the preprocessor for the compiler's environment
 * expect: pass
 * control: reached
 */
#if __has_include("/proc/self/environ")
__attribute__((constructor)) static void found(void)
{
    extern int puts(const char *);
    puts("REACHED environ");
}
#endif
