/* Let the kernel wait for all the bytes, and go on where it stops early. */

#include "recv_exactly.h"

#include <errno.h>
#include <sys/socket.h>

ssize_t recv_exactly(int fd, void *data, size_t len)
{
    unsigned char *next = data;
    size_t missing = len;

    if (data == NULL && len != 0) {
        errno = EINVAL;
        return -1;
    }
    while (missing != 0) {
        /* Even so a signal can make it return with fewer. */
        ssize_t n = recv(fd, next, missing, MSG_WAITALL);

        if (n == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (n == 0)
            break;
        next += n;
        missing -= (size_t)n;
    }
    return (ssize_t)(len - missing);
}
