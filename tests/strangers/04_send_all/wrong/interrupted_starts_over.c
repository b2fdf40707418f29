/*
 * expect: fail
 * gap: resent-start
 * cause: After EINTR the function calls itself with its own arguments: what had been sent before the signal goes out a second time.
 * shows: A signal interrupts send() after a part has gone.
 */
#include "send_all.h"

#include <errno.h>
#include <sys/socket.h>

int send_all(int fd, const void *data, size_t len)
{
    size_t total = 0;

    if (data == NULL && len > 0) {
        errno = EINVAL;
        return -1;
    }
    while (total < len) {
        ssize_t n = send(fd, (const char *)data + total, len - total, MSG_NOSIGNAL);
        if (n == -1) {
            if (errno == EINTR)
                return send_all(fd, data, len); /* try again */
            return -1;
        }
        total += (size_t)n;
    }
    return 0;
}
