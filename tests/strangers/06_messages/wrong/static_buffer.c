/*
 * expect: fail
 * gap: other
 * cause: recv() fills a buffer that belongs to the descriptor's number, and what came beyond the message waits there for the next call; whoever else reads the connection misses it, and the next connection with that number inherits it.
 * shows: when two messages come together, and the connection is closed or handed on after the first.
 * says: belong to whoever reads next
 */
#include "messages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum { LIMIT = 65536, NUMBERS = 64 };

static struct {
    size_t start, end;
    char data[8192];
} held[NUMBERS];

static int send_whole(int fd, const char *data, size_t len, int flags)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL | flags);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

int send_message(int fd, const void *payload, size_t len)
{
    uint32_t length = htonl((uint32_t)len);

    if (len > LIMIT || (!payload && len)) {
        errno = EINVAL;
        return -1;
    }
    if (send_whole(fd, (const char *)&length, sizeof length, len ? MSG_MORE : 0) == -1)
        return -1;
    return send_whole(fd, payload, len, 0);
}

/* Returns how many bytes it has got: fewer at the end of the stream. */
static ssize_t take(int fd, char *data, size_t len)
{
    size_t got = 0;

    while (got < len) {
        size_t there = held[fd].end - held[fd].start;

        if (!there) {
            ssize_t n = recv(fd, held[fd].data, sizeof held[fd].data, 0);

            if (n == -1 && errno == EINTR)
                continue;
            if (n == -1)
                return -1;
            if (n == 0)
                break;
            held[fd].start = 0;
            held[fd].end = there = (size_t)n;
        }
        if (there > len - got)
            there = len - got;
        memcpy(data + got, held[fd].data + held[fd].start, there);
        held[fd].start += there;
        got += there;
    }
    return (ssize_t)got;
}

int recv_message(int fd, void *payload, size_t size, size_t *len)
{
    unsigned char head[4];
    uint32_t length;
    ssize_t n;

    if ((!payload && size) || fd < 0 || fd >= NUMBERS) {
        errno = EINVAL;
        return -1;
    }
    if ((n = take(fd, (char *)head, sizeof head)) == -1)
        return -1;
    if (n == 0)
        return 0;
    if (n < 4) {
        errno = ECONNRESET;
        return -1;
    }
    memcpy(&length, head, sizeof length);
    length = ntohl(length);
    if (length > LIMIT || length > size) {
        errno = EMSGSIZE;
        return -1;
    }
    if ((n = take(fd, payload, length)) == -1)
        return -1;
    if ((size_t)n < length) {
        errno = ECONNRESET;
        return -1;
    }
    *len = length;
    return 1;
}
