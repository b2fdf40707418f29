/*
 * aim: end while the linker looks for a name
 * expect: crash
 * control: none
 */
static void nothing(void)
{
}

static void *ends(void)
{
    __asm__ volatile ("syscall" : : "a"(231), "D"(0) : "memory");
    return nothing;
}

void resolved(void) __attribute__((ifunc("ends")));
void (*kept)(void) = resolved;
