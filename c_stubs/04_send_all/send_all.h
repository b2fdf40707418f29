#include <stddef.h>

/* Send all len bytes of data on fd, a connected stream socket; nothing to send
   is a success that leaves fd alone.  Returns 0, or -1 with errno set. */
int send_all(int fd, const void *data, size_t len);
