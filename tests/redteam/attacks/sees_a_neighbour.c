/*
 * aim: ask the preprocessor for another submission
 * expect: pass
 * control: reached
 */
#if __has_include("@CANARY@/neighbour.py")
__attribute__((constructor)) static void found(void)
{
    extern int puts(const char *);
    puts("REACHED neighbour");
}
#endif
