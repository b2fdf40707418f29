/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

int connect_within(const char *host, const char *port, int milliseconds);

static int64_t now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* 0: connected; else the errno of the attempt, ETIMEDOUT with *late set when the time is up */
static int outcome(int fd, int64_t end, int *late)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    int error, n;
    socklen_t len = sizeof error;

    for (;;) {
        int64_t left = end - now_us();
        struct timespec t;

        if (left <= 0) {
            *late = 1;
            return ETIMEDOUT;
        }
        t.tv_sec = (time_t)(left / 1000000);
        t.tv_nsec = (long)(left % 1000000) * 1000;
        n = ppoll(&p, 1, &t, NULL);
        if (n > 0)
            break;
        if (n == -1 && errno != EINTR)
            return errno;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        return errno;
    return error;
}

static int attempt(const struct addrinfo *ai, int64_t end, int *late, int *result)
{
    int error = 0, flags;
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK, ai->ai_protocol);

    if (fd == -1)
        return errno;
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) == -1 && errno != EISCONN) {
        error = errno;
        if (error == EINPROGRESS || error == EINTR)
            error = outcome(fd, end, late);
    }
    if (error == 0) {
        flags = fcntl(fd, F_GETFL);
        if (flags == -1 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
            error = errno;
    }
    if (error == 0)
        *result = fd;
    else
        close(fd);
    return error;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints, *list, *ai;
    int64_t end;
    int rc, fd = -1, late = 0, error = EADDRNOTAVAIL;

    if (host == NULL || port == NULL || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = rc == EAI_AGAIN ? EAGAIN : rc == EAI_MEMORY ? ENOMEM : ENOENT;
        return -1;
    }
    end = now_us() + (int64_t)milliseconds * 1000;
    for (ai = list; ai != NULL && fd == -1 && !late; ai = ai->ai_next) {
        if (ai != list && now_us() >= end) {
            error = ETIMEDOUT;
            break;
        }
        error = attempt(ai, end, &late, &fd);
    }
    freeaddrinfo(list);
    if (fd == -1)
        errno = error;
    return fd;
}
