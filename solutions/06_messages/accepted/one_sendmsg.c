/* Length and payload leave together, with sendmsg(). */

#include "messages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MOST 65536u

int send_message(int fd, const void *payload, size_t len)
{
    uint32_t length;
    struct iovec parts[2];
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

    if (len > MOST || (len > 0 && payload == NULL)) {
        errno = EINVAL;
        return -1;
    }
    length = htonl((uint32_t)len);
    parts[0] = (struct iovec){ &length, sizeof length };
    parts[1] = (struct iovec){ (void *)payload, len };
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        for (int i = 0; i < 2; i++) {   /* move both starts past what is sent */
            size_t taken = (size_t)n < parts[i].iov_len ? (size_t)n
                                                        : parts[i].iov_len;

            if (taken > 0)
                parts[i].iov_base = (char *)parts[i].iov_base + taken;
            parts[i].iov_len -= taken;
            n -= (ssize_t)taken;
        }
    }
    return 0;
}

/* Receive exactly len bytes.  Returns 1, or 0 if the stream ends before the
   first; -1 with errno set, ECONNRESET if it ends before the last. */
static int fill(int fd, void *data, size_t len)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = recv(fd, (char *)data + got, len - got, MSG_WAITALL);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (n == 0 && got == 0)
            return 0;
        if (n == 0) {
            errno = ECONNRESET;
            return -1;
        }
        got += (size_t)n;
    }
    return 1;
}

int recv_message(int fd, void *payload, size_t size, size_t *len)
{
    uint32_t length;
    int result;

    if (payload == NULL && size > 0) {
        errno = EINVAL;
        return -1;
    }
    result = fill(fd, &length, sizeof length);
    if (result != 1)
        return result;
    *len = ntohl(length);
    if (*len > MOST || *len > size) {
        errno = EMSGSIZE;
        return -1;
    }
    result = fill(fd, payload, *len);
    if (result == 0) {
        errno = ECONNRESET;
        return -1;
    }
    return result;
}
