/*
 * expect: fail
 * gap: other
 * cause: Inside a message every failure of recv() is turned into ECONNRESET, also the EAGAIN of a limit that the caller has set: errors are reported as what they are.
 * shows: The caller's SO_RCVTIMEO runs out in the middle of a message.
 * says: recv() failed with EAGAIN, and recv_message() failed with ECONNRESET
 */
#include "messages.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

int send_message(int fd, const void *payload, size_t len)
{
    struct {
        uint32_t length;
        char data[65536];
    } frame;
    size_t sent, total = sizeof frame.length + len;

    if (len > sizeof frame.data || (payload == NULL && len > 0)) {
        errno = EINVAL;
        return -1;
    }
    frame.length = htonl((uint32_t)len);
    if (len > 0)
        memcpy(frame.data, payload, len);
    for (sent = 0; sent < total;) {
        ssize_t n = send(fd, (char *)&frame + sent, total - sent, MSG_NOSIGNAL);
        if (n == -1 && errno != EINTR)
            return -1;
        if (n > 0)
            sent += (size_t)n;
    }
    return 0;
}

/* 1: all there, 0: nothing there (clean end), -1 */
static int read_all(int fd, void *data, size_t n, int inside)
{
    size_t got = 0;

    while (got < n) {
        ssize_t r;
        do
            r = recv(fd, (char *)data + got, n - got, 0);
        while (r == -1 && errno == EINTR);
        if (r <= 0) {
            if (!inside && got == 0)
                return (int)r;
            errno = ECONNRESET; /* the message is cut */
            return -1;
        }
        got += (size_t)r;
    }
    return 1;
}

int recv_message(int fd, void *payload, size_t size, size_t *len)
{
    uint32_t wire;
    int rc;

    if (len == NULL || (payload == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    rc = read_all(fd, &wire, sizeof wire, 0);
    if (rc <= 0)
        return rc;
    wire = ntohl(wire);
    if (wire > 65536 || wire > size) {
        errno = EMSGSIZE;
        return -1;
    }
    rc = read_all(fd, payload, wire, 1);
    if (rc == 1)
        *len = wire;
    return rc;
}
