/*
 * expect: fail
 * gap: other
 * cause: A message that does not fit is read to its end before EMSGSIZE is reported; the contract wants it as soon as the length is known, for the bytes may never come.
 * shows: A length over the limit, or over size, and nothing behind it for the moment.
 * says: the length alone had to be refused
 */
#include "messages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

static ssize_t get(int fd, void *data, size_t n)
{
    size_t have = 0;

    while (have < n) {
        ssize_t k = recv(fd, (char *)data + have, n - have, 0);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        if (k == 0)
            break;
        have += (size_t)k;
    }
    return (ssize_t)have;
}

static int put(int fd, const char *p, size_t n, int flags)
{
    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL | flags);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

int send_message(int fd, const void *payload, size_t len)
{
    uint32_t header = htonl((uint32_t)len);

    if ((!payload && len) || len > 65536) {
        errno = EINVAL;
        return -1;
    }
    if (put(fd, (const char *)&header, 4, len ? MSG_MORE : 0) < 0)
        return -1;
    return put(fd, payload, len, 0);
}

int recv_message(int fd, void *payload, size_t size, size_t *len)
{
    uint32_t header;
    size_t n;
    ssize_t k;

    if ((!payload && size) || !len) {
        errno = EINVAL;
        return -1;
    }
    k = get(fd, &header, 4);
    if (k <= 0)
        return (int)k;
    if (k < 4) {
        errno = ECONNRESET;
        return -1;
    }
    n = ntohl(header);
    if (n > 65536 || n > size) {
        /* leave the stream at the next message */
        char waste[4096];
        while (n > 0) {
            k = get(fd, waste, n < sizeof waste ? n : sizeof waste);
            if (k <= 0)
                break;
            n -= (size_t)k;
        }
        errno = EMSGSIZE;
        return -1;
    }
    k = get(fd, payload, n);
    if (k < 0)
        return -1;
    if ((size_t)k < n) {
        errno = ECONNRESET;
        return -1;
    }
    *len = n;
    return 1;
}
