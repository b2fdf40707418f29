#include <stddef.h>

/* Peel a captured Ethernet frame of len bytes: write a line for each layer to
   text, and a last one for what is left.  text has room for size bytes, the
   zero at its end included.  Returns the length of the text, without the zero,
   or -1 with errno set: EMSGSIZE if it does not fit, EINVAL if a null pointer
   comes with a size that is not 0. */
int peel(const unsigned char *frame, size_t len, char *text, size_t size);
