/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#include "messages.h"

#include <errno.h>
#include <sys/socket.h>

#define HEADER 4
#define LARGEST 65536

static int transfer_out(int fd, const unsigned char *p, size_t n, int flags)
{
    while (n) {
        ssize_t k = send(fd, p, n, flags | MSG_NOSIGNAL);
        if (k == -1 && errno == EINTR)
            continue;
        if (k == -1)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* 1 when all n bytes have come, 0 at the end of the stream; *had says how many. */
static int transfer_in(int fd, unsigned char *p, size_t n, size_t *had)
{
    *had = 0;
    while (*had < n) {
        ssize_t k = recv(fd, p + *had, n - *had, 0);
        if (k == 0)
            return 0;
        if (k == -1 && errno != EINTR)
            return -1;
        if (k > 0)
            *had += (size_t)k;
    }
    return 1;
}

int send_message(int fd, const void *payload, size_t len)
{
    unsigned char header[HEADER] = { 0, (unsigned char)(len >> 16), (unsigned char)(len >> 8), (unsigned char)len };

    if (len > LARGEST || (payload == NULL && len)) {
        errno = EINVAL;
        return -1;
    }
    if (transfer_out(fd, header, HEADER, len ? MSG_MORE : 0) == -1)
        return -1;
    return transfer_out(fd, payload, len, 0);
}

int recv_message(int fd, void *payload, size_t size, size_t *len)
{
    unsigned char h[HEADER];
    size_t had, length;

    if (len == NULL || (payload == NULL && size)) {
        errno = EINVAL;
        return -1;
    }
    switch (transfer_in(fd, h, HEADER, &had)) {
    case -1:
        return -1;
    case 0:
        if (had == 0)
            return 0;
        errno = ECONNRESET;
        return -1;
    }
    length = (size_t)h[0] << 24 | (size_t)h[1] << 16 | (size_t)h[2] << 8 | h[3];
    if (length > LARGEST || length > size) {
        errno = EMSGSIZE;
        return -1;
    }
    switch (transfer_in(fd, payload, length, &had)) {
    case -1:
        return -1;
    case 0:
        errno = ECONNRESET;
        return -1;
    }
    *len = length;
    return 1;
}
