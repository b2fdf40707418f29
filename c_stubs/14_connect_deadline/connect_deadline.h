#include <stddef.h>
#include <sys/types.h>

/* Connect to the first address of host that accepts, within so many
   milliseconds for all of them together.  Returns a connected, blocking
   descriptor, which is the caller's, or -1 with errno set: ETIMEDOUT when the
   time is up, the error of the last address if none accepts. */
int connect_within(const char *host, const char *port, int milliseconds);
