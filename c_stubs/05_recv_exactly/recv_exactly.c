/* Receive a fixed number of bytes, however few come at a time. */

#include "recv_exactly.h"

#include <errno.h>
#include <sys/socket.h>

ssize_t recv_exactly(int fd, void *data, size_t len)
{
    char *start = data;
    size_t got = 0;

    if (got < len) {
        size_t n;

        n = recv(fd, start, len, 0);
        if (n < 0)
            return -1;
        got += (size_t)n;
    }
    return (ssize_t)got;
}
