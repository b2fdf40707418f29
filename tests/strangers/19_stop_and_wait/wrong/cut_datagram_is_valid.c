/*
 * expect: fail
 * gap: other
 * cause: The receiver's buffer is exactly 514 bytes and nothing tells it of truncation, so a longer, invalid datagram is cut to 514 and taken as data.
 * shows: when a data datagram of more than 514 bytes arrives: it is acknowledged and its first 512 bytes are in the result
 * says: which may have been more: there was room for 514
 */
#define _GNU_SOURCE
#include "stop_and_wait.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct datagram {
    unsigned char type, bit;
    char payload[512];
};

static long long ms_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int poll_until(int fd, long long end)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    int r;
    do {
        long long left = end - ms_now();
        r = poll(&p, 1, left < 0 ? 0 : left > 60000 ? 60000 : (int)left);
        if (r == -1 && errno != EINTR)
            return -1;
    } while (r <= 0 && ms_now() < end);
    return r > 0;
}

static int gai_errno(int rc)
{
    switch (rc) {
    case EAI_SYSTEM:
        return errno ? errno : EIO;
    case EAI_MEMORY:
        return ENOMEM;
    case EAI_NONAME:
        return EHOSTUNREACH;
    default:
        return EADDRNOTAVAIL;
    }
}

/* 1 confirmed, 0 time is up, -1 error */
static int transmit(int fd, const struct datagram *d, size_t payload, int milliseconds)
{
    ssize_t n;
    long long end;

    do
        n = send(fd, d, 2 + payload, 0);
    while (n == -1 && errno == EINTR);
    if (n == -1 && errno != ECONNREFUSED)
        return -1;
    end = ms_now() + milliseconds + 1;
    do {
        unsigned char ack[8];
        int r = poll_until(fd, end);
        if (r <= 0)
            return r;
        n = recv(fd, ack, sizeof ack, MSG_DONTWAIT);
        if (n == 2 && ack[0] == 1 && ack[1] == d->bit)
            return 1;
        if (n == -1 && errno != ECONNREFUSED && errno != EAGAIN && errno != EINTR)
            return -1;
    } while (ms_now() < end);
    return 0;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM }, *first, *ai;
    int rc, result = -1, e = 0;

    if (host == NULL || port == NULL || (data == NULL && len > 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if ((rc = getaddrinfo(host, port, &hints, &first)) != 0) {
        errno = gai_errno(rc);
        return -1;
    }
    for (ai = first; ai != NULL; ai = ai->ai_next) {
        struct datagram d = { 0, 0, { 0 } };
        size_t pos = 0;
        int acknowledged = 0;
        int fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);

        if (fd == -1 || connect(fd, ai->ai_addr, ai->ai_addrlen) == -1) {
            e = errno;
            if (fd != -1)
                close(fd);
            continue;
        }
        while (result == -1) {
            size_t n = len - pos;
            int tries, r = 0;
            if (n > sizeof d.payload)
                n = sizeof d.payload;
            if (n > 0)
                memcpy(d.payload, (const char *)data + pos, n);
            for (tries = 0; tries < 40 && r == 0; tries++)
                r = transmit(fd, &d, n, milliseconds);
            if (r != 1) {
                e = r == 0 ? ETIMEDOUT : errno;
                break;
            }
            acknowledged = 1;
            d.bit ^= 1;
            pos += n;
            if (n == 0)
                result = 0;
        }
        close(fd);
        if (acknowledged)
            break;
    }
    freeaddrinfo(first);
    if (result == -1)
        errno = e;
    return result;
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE }, *first, *ai;
    struct sockaddr_in peer = { .sin_port = 0 }, from;
    struct datagram d;
    unsigned char turn = 0, end_bit = 0;
    int rc, fd = -1, e = 0, ended = 0;
    long long end = 0;
    size_t used = 0;

    if (port == NULL || (data == NULL && size > 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if ((rc = getaddrinfo(NULL, port, &hints, &first)) != 0) {
        errno = gai_errno(rc);
        return -1;
    }
    for (ai = first; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd != -1 && bind(fd, ai->ai_addr, ai->ai_addrlen) == 0)
            break;
        e = errno;
        if (fd != -1)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(first);
    if (fd == -1) {
        errno = e;
        return -1;
    }
    while (1) {
        socklen_t len = sizeof from;
        ssize_t n;
        int known = peer.sin_port != 0, mine;

        if (ended) {
            int r = poll_until(fd, end);
            if (r == 0)
                break;
            if (r == -1)
                goto error;
        }
        n = recvfrom(fd, &d, sizeof d, ended ? MSG_DONTWAIT : 0, (struct sockaddr *)&from, &len);
        if (n == -1 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT))
            goto error;
        mine = n >= 2 && d.type == 0 && d.bit <= 1;
        if (mine && known)
            mine = from.sin_port == peer.sin_port && from.sin_addr.s_addr == peer.sin_addr.s_addr;
        else if (mine)
            mine = d.bit == 0;
        if (mine && ended)
            mine = n == 2 && d.bit == end_bit;
        if (mine) {
            unsigned char ack[2] = { 1, d.bit };
            size_t payload = (size_t)n - 2;
            if (!ended && d.bit == turn) {
                if (payload > size - used) {
                    errno = EMSGSIZE;
                    goto error;
                }
                if (payload > 0)
                    memcpy(data + used, d.payload, payload);
                used += payload;
                turn ^= 1;
                peer = from;
                if (payload == 0) {
                    ended = 1;
                    end_bit = d.bit;
                }
            }
            sendto(fd, ack, sizeof ack, 0, (struct sockaddr *)&peer, sizeof peer);
            if (ended)
                end = ms_now() + milliseconds + 1;
        } else if (ended && ms_now() >= end) {
            break;
        }
    }
    close(fd);
    return (ssize_t)used;

error:
    e = errno;
    close(fd);
    errno = e;
    return -1;
}
