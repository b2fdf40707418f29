/*
 * expect: fail
 * gap: other
 * cause: A datagram is acknowledged before it is known whether it fits, so one that ends in EMSGSIZE has been acknowledged and the sender believes it delivered.
 * shows: on the wire, when data does not fit into the receiver's buffer
 * says: although there is no room for them
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

enum verdict { IGNORE, REPEAT, FRESH };

struct session {
    int fd;
    struct sockaddr_in peer;
    int connected_to;           /* there is a peer */
    unsigned char expect;
};

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int wait_readable(int fd, double until)
{
    for (;;) {
        struct pollfd p = { fd, POLLIN, 0 };
        double left = until - seconds_now();
        struct timespec t = { 0, 0 };
        if (left > 0) {
            t.tv_sec = (time_t)left;
            t.tv_nsec = (long)((left - (double)t.tv_sec) * 1e9);
            if (t.tv_nsec > 999999999L)
                t.tv_nsec = 999999999L;
        }
        int r = ppoll(&p, 1, &t, NULL);
        if (r > 0)
            return 1;
        if (r < 0 && errno != EINTR)
            return -1;
        if (seconds_now() >= until)
            return 0;
    }
}

static struct addrinfo *search(const char *host, const char *port, int flags)
{
    struct addrinfo want = { .ai_flags = flags, .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM }, *found = NULL;
    int r = getaddrinfo(host, port, &want, &found);
    if (r == 0)
        return found;
    if (r != EAI_SYSTEM || errno == 0)
        errno = r == EAI_AGAIN ? EAGAIN : EDESTADDRREQ;
    return NULL;
}

static int push(int fd, const unsigned char *buf, size_t n, int milliseconds)
{
    for (int count = 1; count <= 40; count++) {
        ssize_t r;
        do {
            r = send(fd, buf, n, 0);
        } while (r < 0 && errno == EINTR);
        if (r < 0 && errno != ECONNREFUSED)
            return -1;
        double until = seconds_now() + milliseconds / 1000.0;
        int w;
        do {
            unsigned char a[3];
            if ((w = wait_readable(fd, until)) < 0)
                return -1;
            if (w == 0)
                break;
            r = recv(fd, a, sizeof a, MSG_DONTWAIT);
            if (r == 2 && a[0] == 1 && a[1] == buf[1])
                return 0;
            if (r < 0 && errno != ECONNREFUSED && errno != EAGAIN && errno != EINTR)
                return -1;
        } while (seconds_now() < until);
    }
    errno = ETIMEDOUT;
    return -1;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    if (!host || !port || (!data && len > 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    struct addrinfo *all = search(host, port, 0);
    if (!all)
        return -1;
    int error = 0, success = 0;
    for (struct addrinfo *one = all; one; one = one->ai_next) {
        int through = 0;
        int fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        if (connect(fd, one->ai_addr, one->ai_addrlen) < 0) {
            error = errno;
        } else {
            const unsigned char *p = data, *stop = p + len;
            unsigned char buf[514] = { 0 };
            while (!success) {
                size_t n = (size_t)(stop - p) < 512 ? (size_t)(stop - p) : 512;
                if (n)
                    memcpy(buf + 2, p, n);
                if (push(fd, buf, n + 2, milliseconds) < 0) {
                    error = errno;
                    break;
                }
                through = 1;
                buf[1] ^= 1;
                p += n;
                success = n == 0;
            }
        }
        close(fd);
        if (through)
            break;
    }
    freeaddrinfo(all);
    if (!success)
        errno = error;
    return success ? 0 : -1;
}

/* Judges a datagram, acknowledges it if it is due. */
static enum verdict judge(struct session *s, const unsigned char *buf, ssize_t n, const struct sockaddr_in *from)
{
    if (n < 2 || n > 514 || buf[0] != 0 || buf[1] > 1)
        return IGNORE;
    if (s->connected_to) {
        if (from->sin_port != s->peer.sin_port || from->sin_addr.s_addr != s->peer.sin_addr.s_addr)
            return IGNORE;
    } else if (buf[1] != 0) {
        return IGNORE;
    } else {
        s->peer = *from;
        s->connected_to = 1;
    }
    unsigned char ack[2] = { 1, buf[1] };
    sendto(s->fd, ack, sizeof ack, 0, (struct sockaddr *)&s->peer, sizeof s->peer);
    if (buf[1] != s->expect)
        return REPEAT;
    s->expect ^= 1;
    return FRESH;
}

static int hopeless(void)
{
    return errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT;
}

static int linger(struct session *s, unsigned char bit, int milliseconds)
{
    double until = seconds_now() + milliseconds / 1000.0;
    for (;;) {
        unsigned char buf[8];
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        int w = wait_readable(s->fd, until);
        if (w <= 0)
            return w;
        ssize_t n = recvfrom(s->fd, buf, sizeof buf, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
        if (n < 0 && hopeless())
            return -1;
        if (n == 2 && buf[0] == 0 && buf[1] == bit && from.sin_port == s->peer.sin_port
            && from.sin_addr.s_addr == s->peer.sin_addr.s_addr) {
            unsigned char ack[2] = { 1, bit };
            sendto(s->fd, ack, sizeof ack, 0, (struct sockaddr *)&s->peer, sizeof s->peer);
            until = seconds_now() + milliseconds / 1000.0;
        } else if (seconds_now() >= until) {
            return 0;
        }
    }
}

static ssize_t receive(struct session *s, char *data, size_t size, int milliseconds)
{
    size_t got = 0;
    for (;;) {
        unsigned char buf[515];
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(s->fd, buf, sizeof buf, 0, (struct sockaddr *)&from, &len);
        if (n < 0) {
            if (hopeless())
                return -1;
            continue;
        }
        if (judge(s, buf, n, &from) != FRESH)
            continue;
        if (n == 2)
            return linger(s, buf[1], milliseconds) < 0 ? -1 : (ssize_t)got;
        if ((size_t)n - 2 > size - got) {
            errno = EMSGSIZE;
            return -1;
        }
        memcpy(data + got, buf + 2, (size_t)n - 2);
        got += (size_t)n - 2;
    }
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    if (!port || (!data && size > 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    struct addrinfo *all = search(NULL, port, AI_PASSIVE), *one;
    if (!all)
        return -1;
    struct session s = { .fd = -1 };
    int error = 0;
    for (one = all; one; one = one->ai_next) {
        s.fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (s.fd >= 0 && bind(s.fd, one->ai_addr, one->ai_addrlen) == 0)
            break;
        error = errno;
        if (s.fd >= 0)
            close(s.fd);
    }
    freeaddrinfo(all);
    if (!one) {
        errno = error;
        return -1;
    }
    ssize_t n = receive(&s, data, size, milliseconds);
    error = errno;
    close(s.fd);
    errno = error;
    return n;
}
