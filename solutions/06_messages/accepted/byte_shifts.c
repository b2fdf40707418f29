/* The length byte by byte, with shifts, and the stream through read(). */

#define _POSIX_C_SOURCE 200809L
#include "messages.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

static const size_t limit = 65536;

static int fail(int error)
{
    errno = error;
    return -1;
}

static int put(int fd, const unsigned char *data, size_t len)
{
    size_t sent = 0;

    while (sent < len) {
        ssize_t n = send(fd, data + sent, len - sent, MSG_NOSIGNAL);

        if (n >= 0)
            sent += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

/* Returns the number of bytes before end-of-file, or -1. */
static ssize_t get(int fd, unsigned char *data, size_t len)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = read(fd, data + got, len - got);

        if (n == 0)
            break;
        if (n > 0)
            got += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)got;
}

int send_message(int fd, const void *payload, size_t len)
{
    unsigned char header[4] = {
        (unsigned char)(len >> 24), (unsigned char)(len >> 16),
        (unsigned char)(len >> 8), (unsigned char)len
    };

    if (len > limit || (payload == NULL && len != 0))
        return fail(EINVAL);
    return put(fd, header, 4) == 0 ? put(fd, payload, len) : -1;
}

int recv_message(int fd, void *payload, size_t size, size_t *len)
{
    unsigned char header[4];
    ssize_t n;

    if (payload == NULL && size != 0)
        return fail(EINVAL);
    n = get(fd, header, 4);
    if (n < 4)
        return n <= 0 ? (int)n : fail(ECONNRESET);
    *len = (size_t)header[0] << 24 | (size_t)header[1] << 16 |
           (size_t)header[2] << 8 | header[3];
    if (*len > limit || *len > size)
        return fail(EMSGSIZE);
    n = get(fd, payload, *len);
    if (n == -1)
        return -1;
    return (size_t)n == *len ? 1 : fail(ECONNRESET);
}
