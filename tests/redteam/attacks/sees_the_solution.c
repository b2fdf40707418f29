/*
 * aim: ask the preprocessor whether the solution is there
 * expect: pass
 * control: reached
 */
#if __has_include("@PROJECT@/solutions/04_send_all/send_all.c")
__attribute__((constructor)) static void found(void)
{
    extern int puts(const char *);
    puts("REACHED solution");
}
#endif
