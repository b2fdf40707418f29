/* Receive with recvmsg(), whose scatter list says what is missing. */

#include "recv_exactly.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

ssize_t recv_exactly(int fd, void *data, size_t len)
{
    struct iovec rest = { .iov_base = data, .iov_len = len };
    struct msghdr message = { .msg_iov = &rest, .msg_iovlen = 1 };

    if (data == NULL && len > 0) {
        errno = EINVAL;
        return -1;
    }
    while (rest.iov_len > 0) {
        ssize_t n = recvmsg(fd, &message, 0);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (n == 0)
            return (ssize_t)(len - rest.iov_len);
        rest.iov_base = (char *)rest.iov_base + n;
        rest.iov_len -= (size_t)n;
    }
    return (ssize_t)len;
}
