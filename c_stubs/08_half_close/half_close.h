#include <stddef.h>
#include <sys/types.h>

/* Connect to the first address of host that accepts, send all len bytes of
   request, then an end-of-file, and store everything the server sends before
   it closes in reply, which has room for size bytes.  Both go on at once.
   Returns the number of bytes, or -1 with errno set: EMSGSIZE if the reply is
   larger than size, the error of the last address if none accepts. */
ssize_t ask(const char *host, const char *port, const void *request, size_t len,
            char *reply, size_t size);
