/*
 * expect: fail
 * gap: other
 * cause: EAGAIN is put together with EINTR and tried again: the caller's SO_RCVTIMEO runs out again and again, and the call never returns.
 * shows: The caller has set SO_RCVTIMEO and nothing comes.
 * says: EAGAIN, the end of the caller's time limit
 */
#include "recv_exactly.h"

#include <errno.h>
#include <sys/socket.h>

static int transient(int error)
{
    switch (error) {
    case EINTR:
    case EAGAIN:
#if EWOULDBLOCK != EAGAIN
    case EWOULDBLOCK:
#endif
        return 1;
    default:
        return 0;
    }
}

ssize_t recv_exactly(int fd, void *data, size_t len)
{
    char *p = data, *end;

    if (data == NULL && len > 0) {
        errno = EINVAL;
        return -1;
    }
    for (end = p + len; p < end;) {
        ssize_t n = recv(fd, p, (size_t)(end - p), 0);
        if (n > 0)
            p += n;
        else if (n == 0)
            break;
        else if (!transient(errno))
            return -1;
    }
    return p - (char *)data;
}
