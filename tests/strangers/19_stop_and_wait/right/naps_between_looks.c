/*
 * expect: pass
 * gap: none
 * cause: Limits are kept by looking with MSG_DONTWAIT every two milliseconds and sleeping in between; the receiver's unlimited wait is a plain blocking recvmsg.
 * shows: never
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

#define NAP_NS 2000000L

struct packet {
    unsigned char head[2];
    unsigned char body[512];
    size_t body_len;
    int valid;                      /* at least a head, and not cut */
    struct sockaddr_in from;
};

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* 1 a packet, 0 none there (only with MSG_DONTWAIT), -1 error */
static int take(int fd, struct packet *p, int flags)
{
    struct iovec v[2] = { { p->head, sizeof p->head }, { p->body, sizeof p->body } };
    struct msghdr m = { .msg_name = &p->from, .msg_namelen = sizeof p->from, .msg_iov = v, .msg_iovlen = 2 };
    ssize_t n;

    do
        n = recvmsg(fd, &m, flags);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return errno == EAGAIN ? 0 : -1;
    p->valid = n >= 2 && !(m.msg_flags & MSG_TRUNC);
    p->body_len = n >= 2 ? (size_t)n - 2 : 0;
    return 1;
}

static int put(int fd, unsigned char type, unsigned char bit, const void *body, size_t len, struct sockaddr_in *to)
{
    unsigned char head[2] = { type, bit };
    struct iovec v[2] = { { head, 2 }, { (void *)body, len } };
    struct msghdr m = { .msg_name = to, .msg_namelen = to ? sizeof *to : 0, .msg_iov = v, .msg_iovlen = len ? 2 : 1 };
    ssize_t n;

    do
        n = sendmsg(fd, &m, 0);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -1 : 0;
}

static void nap(int64_t until)
{
    int64_t left = until - clock_ns();
    struct timespec t = { 0, left < NAP_NS ? (long)(left > 0 ? left : 1) : NAP_NS };
    nanosleep(&t, NULL);            /* an early end does no harm */
}

static int gai(const char *host, const char *port, int flags, struct addrinfo **out)
{
    struct addrinfo h = { 0 };
    h.ai_family = AF_INET;
    h.ai_socktype = SOCK_DGRAM;
    h.ai_protocol = IPPROTO_UDP;
    h.ai_flags = flags;
    int r = getaddrinfo(host, port, &h, out);
    if (r != 0 && r != EAI_SYSTEM)
        errno = ENXIO;
    else if (r == EAI_SYSTEM && errno == 0)
        errno = ENXIO;
    return r;
}

static int confirmed(int fd, unsigned char bit, int64_t until)
{
    for (;;) {
        struct packet p;
        int r = take(fd, &p, MSG_DONTWAIT);
        if (r == -1 && errno != ECONNREFUSED)
            return -1;
        if (r == 1 && p.valid && p.body_len == 0 && p.head[0] == 1 && p.head[1] == bit)
            return 1;
        if (clock_ns() >= until)
            return 0;
        if (r == 0)
            nap(until);
    }
}

static int talk(int fd, const char *data, size_t len, int milliseconds, int *confirmations)
{
    unsigned char bit = 0;
    for (;; bit ^= 1) {
        size_t part = len < 512 ? len : 512;
        int sends = 0, r = 0;
        while (r == 0) {
            if (sends++ == 40) {
                errno = ETIMEDOUT;
                return -1;
            }
            if (put(fd, 0, bit, data, part, NULL) == -1 && errno != ECONNREFUSED)
                return -1;
            r = confirmed(fd, bit, clock_ns() + milliseconds * INT64_C(1000000));
        }
        if (r == -1)
            return -1;
        ++*confirmations;
        if (part == 0)
            return 0;
        data += part;
        len -= part;
    }
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    struct addrinfo *all, *a;
    int result = -1, error = ENXIO, confirmations = 0;

    if (!host || !port || milliseconds < 0 || (!data && len)) {
        errno = EINVAL;
        return -1;
    }
    if (gai(host, port, 0, &all) != 0)
        return -1;
    for (a = all; a && result == -1 && confirmations == 0; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd != -1 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            result = talk(fd, data, len, milliseconds, &confirmations);
        if (result == -1)
            error = errno;
        if (fd != -1)
            close(fd);
    }
    freeaddrinfo(all);
    if (result == -1)
        errno = error;
    return result;
}

static int same(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static ssize_t listen_for(int fd, char *data, size_t size, int milliseconds)
{
    struct packet p;
    struct sockaddr_in first = { 0 };
    unsigned char next = 0, end;
    size_t got = 0;
    int begun = 0;
    int64_t until;

    for (;;) {
        int r = take(fd, &p, 0);
        if (r == -1 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT))
            return -1;
        if (r != 1 || !p.valid || p.head[0] != 0 || p.head[1] > 1)
            continue;
        if (!begun && p.head[1] == 0) {
            first = p.from;
            begun = 1;
        }
        if (!begun || !same(&first, &p.from))
            continue;
        if (p.head[1] == next) {
            if (p.body_len > size - got) {
                errno = EMSGSIZE;
                return -1;
            }
            if (p.body_len)
                memcpy(data + got, p.body, p.body_len);
            got += p.body_len;
            next ^= 1;
            if (p.body_len == 0)
                break;
        }
        put(fd, 1, p.head[1], NULL, 0, &first);
    }
    end = p.head[1];
    do {
        put(fd, 1, end, NULL, 0, &first);
        until = clock_ns() + milliseconds * INT64_C(1000000);
        for (;;) {
            int r = take(fd, &p, MSG_DONTWAIT);
            if (r == -1 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT))
                return -1;
            if (r == 1 && p.valid && p.body_len == 0 && p.head[0] == 0 && p.head[1] == end && same(&first, &p.from))
                break;
            if (clock_ns() >= until)
                return (ssize_t)got;
            if (r != 1)
                nap(until);
        }
    } while (1);
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo *all, *a;
    ssize_t n = -1;
    int error = ENXIO, fd = -1;

    if (!port || milliseconds < 0 || (!data && size)) {
        errno = EINVAL;
        return -1;
    }
    if (gai(NULL, port, AI_PASSIVE, &all) != 0)
        return -1;
    for (a = all; a; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd != -1 && bind(fd, a->ai_addr, a->ai_addrlen) == 0)
            break;
        error = errno;
        if (fd != -1)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(all);
    if (fd != -1) {
        n = listen_for(fd, data, size, milliseconds);
        error = errno;
        close(fd);
    }
    if (n == -1)
        errno = error;
    return n;
}
