/* What the bindings need of the C library: buffers of exactly the size asked
   for, from the allocator that AddressSanitizer replaces, so that their edges
   are watched; and a flush, so that nothing printed is overlooked. */
#include <stdio.h>
#include <stdlib.h>

void *kit_allocate(size_t size);
void kit_release(void *memory);
void kit_flush(void);

/* Part of AddressSanitizer's runtime, where that is loaded. */
void __asan_poison_memory_region(const volatile void *, size_t)
    __attribute__((weak));

void *kit_allocate(size_t size)
{
    void *memory = malloc(size);

    if (size == 0 && memory && __asan_poison_memory_region)
        __asan_poison_memory_region(memory, 1); /* malloc() gives it a byte */
    return memory;
}

void kit_release(void *memory)
{
    free(memory);
}

void kit_flush(void)
{
    fflush(NULL);
}
