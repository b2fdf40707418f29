/* What the bindings need of the C library: buffers of exactly the size asked
   for, from the allocator that AddressSanitizer replaces, so that their edges
   are watched; and a flush, so that nothing printed is overlooked. */
#include <stdio.h>
#include <stdlib.h>

void *kit_allocate(size_t size);
void kit_release(void *memory);
void kit_flush(void);

void *kit_allocate(size_t size)
{
    return malloc(size);
}

void kit_release(void *memory)
{
    free(memory);
}

void kit_flush(void)
{
    fflush(NULL);
}
