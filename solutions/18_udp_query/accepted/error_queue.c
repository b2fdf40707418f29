/* A socket that is never connected: it compares where datagrams come from, and
   asks for errors with IP_RECVERR.  Waits with select(). */

#define _GNU_SOURCE
#include "udp_query.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static uint16_t fresh_id(void)
{
    static uint16_t last;
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    last = (uint16_t)(last + 1 + (t.tv_nsec >> 10) % 251);
    return last;
}

static int is_from(const struct sockaddr *expected, const struct sockaddr *sender)
{
    if (expected->sa_family != sender->sa_family)
        return 0;
    if (expected->sa_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const void *)expected, *b = (const void *)sender;

        return a->sin6_port == b->sin6_port &&
               memcmp(&a->sin6_addr, &b->sin6_addr, sizeof a->sin6_addr) == 0;
    } else {
        const struct sockaddr_in *a = (const void *)expected, *b = (const void *)sender;

        return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
    }
}

static struct timespec after(struct timespec t, long long milliseconds)
{
    long long nanoseconds = t.tv_nsec + milliseconds % 1000 * 1000000;

    t.tv_sec += milliseconds / 1000 + nanoseconds / 1000000000;
    t.tv_nsec = nanoseconds % 1000000000;
    return t;
}

/* 1: readable, 0: the time is up, -1: an error. */
static int readable_before(int fd, const struct timespec *end)
{
    struct timespec now;
    struct timeval rest;
    fd_set set;

    if (fd >= FD_SETSIZE) {
        errno = EMFILE;
        return -1;
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    rest.tv_sec = end->tv_sec - now.tv_sec;
    rest.tv_usec = (end->tv_nsec - now.tv_nsec) / 1000;
    if (rest.tv_usec < 0) {
        rest.tv_sec--;
        rest.tv_usec += 1000000;
    }
    if (rest.tv_sec < 0)
        return 0;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    return select(fd + 1, &set, NULL, NULL, &rest);
}

/* The answer's length; -1: an error or silence; -2: it is too large. */
static ssize_t exchange(int fd, const struct addrinfo *a, struct iovec *request,
                        char *answer, size_t size, int milliseconds)
{
    uint16_t id = *(uint16_t *)request[0].iov_base, got;
    struct sockaddr_storage sender;
    struct iovec room[2] = { { &got, sizeof got }, { answer, size } };
    struct msghdr out = { .msg_name = a->ai_addr, .msg_namelen = a->ai_addrlen,
                          .msg_iov = request, .msg_iovlen = 2 };
    struct timespec end;
    int ready;

    while (sendmsg(fd, &out, 0) == -1)
        if (errno != EINTR)
            return -1;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end = after(end, milliseconds);
    while ((ready = readable_before(fd, &end)) != 0) {
        struct msghdr in = { .msg_name = &sender, .msg_namelen = sizeof sender,
                             .msg_iov = room, .msg_iovlen = 2 };
        ssize_t n = ready == -1 ? -1 : recvmsg(fd, &in, MSG_DONTWAIT);

        if (n == -1 && errno != EINTR && errno != EAGAIN)
            return -1;
        if (n < 2 || got != id || !is_from(a->ai_addr, (struct sockaddr *)&sender))
            continue;
        return in.msg_flags & MSG_TRUNC ? -2 : n - 2;
    }
    errno = ETIMEDOUT;
    return -1;
}

ssize_t query(const char *host, const char *port, const void *question, size_t len,
              char *answer, size_t size, int attempts, int milliseconds)
{
    struct addrinfo hints, *list, *a;
    uint16_t id = fresh_id();
    struct iovec request[2] = { { &id, sizeof id }, { (void *)question, len } };
    const int on = 1;
    ssize_t n = -1;
    int error, fd, i;

    if (attempts < 1 || milliseconds < 0 || (question == NULL && len != 0) ||
        (answer == NULL && size != 0)) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_DGRAM;
    if ((error = getaddrinfo(host, port, &hints, &list)) != 0) {
        errno = error == EAI_SYSTEM && errno != 0 ? errno : EADDRNOTAVAIL;
        return -1;
    }
    for (a = list, error = 0; a != NULL && n == -1; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        if (a->ai_family == AF_INET6)
            n = setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
        else
            n = setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
        for (i = 0; n == 0 && i < attempts; i++) {
            n = exchange(fd, a, request, answer, size, milliseconds);
            if (n != -1 || errno != ETIMEDOUT)
                break;
            n = 0;
        }
        error = errno;
        if (i == attempts)
            n = -1;
        close(fd);
    }
    freeaddrinfo(list);
    errno = n == -2 ? EMSGSIZE : error;
    return n < 0 ? -1 : n;
}
