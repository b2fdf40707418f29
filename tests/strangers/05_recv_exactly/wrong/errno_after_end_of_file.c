/*
 * expect: fail
 * gap: missed-eof
 * cause: The 0 of end-of-file counts as interrupted, for errno is still that of an earlier interruption.
 * shows: A signal interrupts recv(), and then the stream ends.
 */
/* Receive a fixed number of bytes, however few come at a time. */

#include "recv_exactly.h"

#include <errno.h>
#include <sys/socket.h>

ssize_t recv_exactly(int fd, void *data, size_t len)
{
    char *start = data;
    size_t got = 0;

    if (data == NULL && len > 0) {
        errno = EINVAL;
        return -1;
    }
    while (got < len) {
        ssize_t n;

        /* At most what is missing: the next bytes are another reader's. */
        do
            n = recv(fd, start + got, len - got, 0);
        while (n <= 0 && errno == EINTR);
        if (n < 0)
            return -1;
        if (n == 0) /* end-of-file */
            return (ssize_t)got;
        got += (size_t)n;
    }
    return (ssize_t)got;
}
