/* Buffers of exactly the size asked for, for the bindings: from the C library's
   allocator, which AddressSanitizer replaces, so that their edges are watched. */
#include <stdlib.h>

void *kit_allocate(size_t size);
void kit_release(void *memory);

void *kit_allocate(size_t size)
{
    return malloc(size);
}

void kit_release(void *memory)
{
    free(memory);
}
