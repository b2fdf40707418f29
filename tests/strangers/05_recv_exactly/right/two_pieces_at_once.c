/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#include "recv_exactly.h"

#include <errno.h>
#include <sys/uio.h>

/* readv() fills two halves of what is missing, one behind the other. */
ssize_t recv_exactly(int fd, void *data, size_t len)
{
    char *at = data, *end;

    if (len > 0 && at == NULL) {
        errno = EINVAL;
        return -1;
    }
    end = len > 0 ? at + len : at;
    while (at != end) {
        size_t half = (size_t)(end - at) / 2;
        struct iovec parts[2] = { { at, half }, { at + half, (size_t)(end - at) - half } };
        ssize_t n = readv(fd, parts, 2);

        if (n > 0)
            at += n;
        else if (n == 0)
            break;
        else if (errno != EINTR)
            return -1;
    }
    return len > 0 ? at - (char *)data : 0;
}
