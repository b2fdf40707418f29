#include <stddef.h>
#include <sys/types.h>

/* Receive len bytes from fd, a connected stream socket, into data, and none of
   those that follow.  Returns how many came: len, or fewer if the stream ended
   before; or -1 with errno set. */
ssize_t recv_exactly(int fd, void *data, size_t len);
