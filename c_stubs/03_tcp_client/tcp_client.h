#include <stddef.h>
#include <sys/types.h>

/* Connect to the first address of host that accepts, and store everything the
   server sends before it closes in reply, which has room for size bytes.
   Returns the number of bytes, or -1 with errno set: EMSGSIZE if the reply is
   larger than size, the error of the last address if none accepts. */
ssize_t fetch(const char *host, const char *port, char *reply, size_t size);
