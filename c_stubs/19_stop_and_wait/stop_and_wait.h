#include <stddef.h>
#include <sys/types.h>

/* Send data, of len bytes, to the receiver at host, repeating each datagram until
   it is acknowledged, after so many milliseconds.  Returns 0 when all of it has
   arrived, or -1 with errno set: ETIMEDOUT if a datagram is not acknowledged. */
int send_reliably(const char *host, const char *port, const void *data, size_t len,
                  int milliseconds);

/* Receive from the first sender until its end, and for so many milliseconds after
   it acknowledge its repeats.  Stores what has come in data, which has room for
   size bytes, and returns its length, or -1 with errno set: EMSGSIZE if there is
   more. */
ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds);
