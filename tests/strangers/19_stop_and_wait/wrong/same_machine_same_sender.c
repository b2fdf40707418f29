/*
 * expect: fail
 * gap: other
 * cause: The receiver compares only the IP address of a datagram with its first sender's and not the port, so another process on the same machine can put data into the transfer.
 * shows: when a second socket on the sender's machine sends data with the expected bit: it is acknowledged and taken
 * says: which come from another address than the first datagram
 */
#define _GNU_SOURCE
#include "stop_and_wait.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static uint64_t ticks(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

/* A datagram into head and body, looking every two milliseconds; -2 when the time is up. */
static ssize_t poll_message(int fd, uint8_t head[2], char *body, size_t size, struct sockaddr_in *from, uint64_t until)
{
    for (;;) {
        struct iovec iov[2] = { { head, 2 }, { body, size } };
        struct msghdr msg = { .msg_name = from, .msg_namelen = sizeof *from, .msg_iov = iov, .msg_iovlen = 2 };
        ssize_t n = recvmsg(fd, &msg, until ? MSG_DONTWAIT : 0);

        if (n >= 0)
            return msg.msg_flags & MSG_TRUNC ? 0 : n;   /* 0: nothing valid */
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -1;
        uint64_t t = ticks();
        if (t >= until)
            return -2;
        uint64_t left = until - t;
        struct timespec nap = { 0, (long)(left > 2000 ? 2000 : left) * 1000L };
        nanosleep(&nap, NULL);
    }
}

static int put(int fd, uint8_t type, uint8_t bit, const char *body, size_t len, const struct sockaddr_in *to)
{
    uint8_t head[2] = { type, bit };
    struct iovec iov[2] = { { head, 2 }, { (char *)body, len } };
    struct msghdr msg = { .msg_name = (void *)to, .msg_namelen = to ? sizeof *to : 0, .msg_iov = iov, .msg_iovlen = 2 };
    ssize_t n;
    while ((n = sendmsg(fd, &msg, 0)) == -1 && errno == EINTR)
        continue;
    return n == -1 ? -1 : 0;
}

static int addresses(const char *host, const char *port, int flags, struct addrinfo **list)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_flags = flags };
    int r;
    errno = 0;
    r = getaddrinfo(host, port, &hints, list);
    if (r == 0)
        return 0;
    if (errno == 0)
        errno = EADDRNOTAVAIL;
    return -1;
}

/* How many datagrams were acknowledged; 0 in *e when all. */
static unsigned send_from(int fd, const char *data, size_t len, int milliseconds, int *e)
{
    unsigned count = 0;
    size_t part;

    do {
        uint8_t bit = count & 1;
        int tries = 0, acked = 0;
        part = len > 512 ? 512 : len;
        while (!acked) {
            if (tries++ == 40) {
                *e = ETIMEDOUT;
                return count;
            }
            if (put(fd, 0, bit, data, part, NULL) == -1 && errno != ECONNREFUSED) {
                *e = errno;
                return count;
            }
            uint64_t until = ticks() + (uint64_t)milliseconds * 1000u;
            do {
                uint8_t head[2];
                char body[1];
                struct sockaddr_in from;
                ssize_t n = poll_message(fd, head, body, sizeof body, &from, until);
                if (n == -2)
                    break;
                if (n == -1 && errno != ECONNREFUSED) {
                    *e = errno;
                    return count;
                }
                acked = n == 2 && head[0] == 1 && head[1] == bit;
            } while (!acked && ticks() < until);
        }
        count++;
        if (part > 0)
            data += part;
        len -= part;
    } while (part > 0);
    *e = 0;
    return count;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    struct addrinfo *list, *a;
    int e = EADDRNOTAVAIL;

    if (host == NULL || port == NULL || (data == NULL && len != 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (addresses(host, port, 0, &list) == -1)
        return -1;
    for (a = list; a != NULL && e != 0; a = a->ai_next) {
        unsigned count = 0;
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd == -1) {
            e = errno;
            continue;
        }
        if (connect(fd, a->ai_addr, a->ai_addrlen) == -1)
            e = errno;
        else
            count = send_from(fd, data, len, milliseconds, &e);
        close(fd);
        if (count > 0)
            break;
    }
    freeaddrinfo(list);
    errno = e;
    return e == 0 ? 0 : -1;
}

static int is_from(const struct sockaddr_in *sender, const struct sockaddr_in *from)
{
    return memcmp(&sender->sin_addr, &from->sin_addr, sizeof sender->sin_addr) == 0;
}

static ssize_t receive_from(int fd, char *data, size_t size, int milliseconds)
{
    struct sockaddr_in sender = { 0 }, from;
    uint8_t head[2], expected = 0;
    char body[512];
    size_t got = 0;
    int started = 0;

    for (;;) {
        ssize_t n = poll_message(fd, head, body, sizeof body, &from, 0);
        if (n == -1 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT))
            return -1;
        if (n < 2 || head[0] != 0 || head[1] > 1)
            continue;
        if (started ? !is_from(&sender, &from) : head[1] != 0)
            continue;
        if (head[1] == expected) {
            if ((size_t)n - 2 > size - got) {
                errno = EMSGSIZE;
                return -1;
            }
            if (!started)
                sender = from;
            started = 1;
            expected = !expected;
            if (n == 2)
                break;
            memcpy(data + got, body, (size_t)n - 2);
            got += (size_t)n - 2;
        }
        put(fd, 1, head[1], NULL, 0, &from);
    }

    uint8_t end = head[1];
    put(fd, 1, end, NULL, 0, &from);
    uint64_t until = ticks() + (uint64_t)milliseconds * 1000u + 1;
    for (;;) {
        ssize_t n = poll_message(fd, head, body, sizeof body, &from, until);
        if (n == -2)
            return (ssize_t)got;
        if (n == -1 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT))
            return -1;
        if (n == 2 && head[0] == 0 && head[1] == end && is_from(&sender, &from)) {
            put(fd, 1, end, NULL, 0, &from);
            until = ticks() + (uint64_t)milliseconds * 1000u + 1;
        } else if (ticks() >= until) {
            return (ssize_t)got;
        }
    }
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo *list, *a;
    ssize_t n = -1;
    int fd = -1, e = EADDRNOTAVAIL;

    if (port == NULL || (data == NULL && size != 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (addresses(NULL, port, AI_PASSIVE, &list) == -1)
        return -1;
    for (a = list; a != NULL && fd == -1; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd == -1)
            e = errno;
        else if (bind(fd, a->ai_addr, a->ai_addrlen) == -1) {
            e = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd != -1) {
        n = receive_from(fd, data, size, milliseconds);
        e = errno;
        close(fd);
    }
    errno = e;
    return n;
}
