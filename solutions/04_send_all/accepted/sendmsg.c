/* Send a whole buffer with sendmsg(), whose vector keeps the position. */

#include "send_all.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

int send_all(int fd, const void *data, size_t len)
{
    struct iovec rest = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
    struct msghdr message = { .msg_iov = &rest, .msg_iovlen = 1 };

    if (len > 0 && !data)
        return errno = EINVAL, -1;
    while (rest.iov_len > 0) {
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);

        if (sent >= 0) {
            rest.iov_base = (char *)rest.iov_base + sent;
            rest.iov_len -= (size_t)sent;
        } else if (errno != EINTR) {
            return -1;
        }
    }
    return 0;
}
