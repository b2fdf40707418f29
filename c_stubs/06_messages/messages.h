#include <stddef.h>

/* Send one message on fd, a connected stream socket: the 4 bytes of its length
   in network byte order, then the len bytes of payload, at most 65536.
   Returns 0, or -1 with errno set: EINVAL if there are more, and nothing is
   sent. */
int send_message(int fd, const void *payload, size_t len);

/* Receive the next message into payload, which has room for size bytes, and
   store its length in *len.  Returns 1 for a message, 0 when the stream has
   ended before one, or -1 with errno set: ECONNRESET if it ends inside one,
   EMSGSIZE if the length is over 65536 or over size. */
int recv_message(int fd, void *payload, size_t size, size_t *len);
