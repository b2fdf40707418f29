/*
 * aim: make 32-bit system calls, which have other numbers
 * expect: crash
 * control: none
 */
__attribute__((constructor)) static void asks(void)
{
    long result;
    __asm__ volatile ("int $0x80" : "=a"(result) : "a"(20) : "memory");
}
