/* Send a whole buffer, however little the kernel takes at a time. */

#include "send_all.h"

#include <errno.h>
#include <sys/socket.h>

int send_all(int fd, const void *data, size_t len)
{
    const char *next = data;
    size_t left = len;

    if (data == NULL && len > 0) {
        errno = EINVAL;
        return -1;
    }
    while (left > 0) {
        ssize_t n;

        /* MSG_NOSIGNAL: a peer that is gone is an error, not a signal. */
        do
            n = send(fd, next, left, MSG_NOSIGNAL);
        while (n == -1 && errno == EINTR);
        if (n == -1)
            return -1;
        /* The kernel may have taken less than it was offered. */
        next += n;
        left -= (size_t)n;
    }
    return 0;
}
