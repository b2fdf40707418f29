/*
 * expect: fail
 * gap: other
 * cause: An error after the first bytes is answered with their number, as if the stream had ended: a reset passes for end-of-file.
 * shows: The peer sends a part and resets.
 * says: recv() failed with ECONNRESET, and recv_exactly() returned 19 bytes
 */
#include "recv_exactly.h"

#include <errno.h>
#include <sys/socket.h>

ssize_t recv_exactly(int fd, void *data, size_t len)
{
    size_t got = 0;
    ssize_t n;

    if (!data && len) {
        errno = EINVAL;
        return -1;
    }
    while (got < len) {
        n = recv(fd, (char *)data + got, len - got, 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return got ? (ssize_t)got : n;
        got += (size_t)n;
    }
    return (ssize_t)got;
}
