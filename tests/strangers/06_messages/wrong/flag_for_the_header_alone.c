/*
 * expect: fail
 * gap: broken-pipe
 * cause: The header is sent with MSG_NOSIGNAL, the payload by write(), which has no flags: SIGPIPE ends the process.
 * shows: The peer goes when the header has been sent.
 */
/* Messages on a byte stream: each is its length in 4 bytes, then its payload. */

#include "messages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/socket.h>

enum { LIMIT = 65536 };         /* bytes of a payload */

/* Set errno.  Returns -1. */
static int fail(int error)
{
    errno = error;
    return -1;
}

/* Send all len bytes of data.  Returns 0, or -1 with errno set. */
static int send_all(int fd, const void *data, size_t len)
{
    const char *next = data;

    while (len > 0) {
        ssize_t n;

        do
            n = send(fd, next, len, MSG_NOSIGNAL);
        while (n == -1 && errno == EINTR);
        if (n == -1)
            return -1;
        next += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Receive len bytes into data, or fewer where the stream ends.  Returns how
   many came, or -1 with errno set. */
static ssize_t recv_up_to(int fd, void *data, size_t len)
{
    char *start = data;
    size_t got = 0;

    while (got < len) {
        ssize_t n;

        do
            n = recv(fd, start + got, len - got, 0);
        while (n == -1 && errno == EINTR);
        if (n == -1)
            return -1;
        if (n == 0)
            return (ssize_t)got;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

int send_message(int fd, const void *payload, size_t len)
{
    uint32_t header = htonl((uint32_t)len);

    if (len > LIMIT || (payload == NULL && len > 0))
        return fail(EINVAL);
    if (send_all(fd, &header, sizeof header) == -1)
        return -1;
    while (len > 0) { ssize_t n = write(fd, payload, len); if (n == -1 && errno == EINTR) continue; if (n == -1) return -1; payload = (const char *)payload + n; len -= (size_t)n; }
    return 0;
}

int recv_message(int fd, void *payload, size_t size, size_t *len)
{
    uint32_t header;
    ssize_t n;

    if (payload == NULL && size > 0)
        return fail(EINVAL);
    n = recv_up_to(fd, &header, sizeof header);
    if (n <= 0)
        return (int)n;
    if ((size_t)n < sizeof header)
        return fail(ECONNRESET);        /* the stream ends inside a length */
    *len = ntohl(header);
    if (*len > LIMIT || *len > size)
        return fail(EMSGSIZE);
    n = recv_up_to(fd, payload, *len);
    if (n == -1)
        return -1;
    if ((size_t)n < *len)
        return fail(ECONNRESET);        /* the stream ends inside a payload */
    return 1;
}
