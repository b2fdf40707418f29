/*
 * expect: fail
 * gap: other
 * cause: SO_RCVLOWAT is raised so that one recv() brings all, and stays on the caller's socket: its next poll() or recv() waits for as many bytes again.
 * shows: After the call, a shorter message comes and the caller waits for it.
 * says: SO_RCVLOWAT
 */
#include "recv_exactly.h"

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>

ssize_t recv_exactly(int fd, void *data, size_t len)
{
    int mark = len > INT_MAX ? INT_MAX : (int)len;
    size_t got = 0;

    if (data == NULL && len != 0) {
        errno = EINVAL;
        return -1;
    }
    if (len == 0)
        return 0;
    /* only a hint: some kinds of socket do not have it */
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &mark, sizeof mark);
    while (got < len) {
        ssize_t n = recv(fd, (char *)data + got, len - got, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        got += (size_t)n;
        mark = 1;
    }
    return (ssize_t)got;
}
