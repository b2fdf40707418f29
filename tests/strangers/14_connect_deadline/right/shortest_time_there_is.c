/*
 * expect: pass
 * gap: none
 * cause: the rest of the time is set as SO_SNDTIMEO; when it is over, as the shortest time that is a limit.
 * shows: never.
 */
#define _GNU_SOURCE
#include "connect_deadline.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int limit(int fd, long long rest)
{
    struct timeval t = { rest / 1000, rest % 1000 * 1000 };

    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

static int attempt(const struct addrinfo *ai, long long end)
{
    int fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol), error = 0;

    if (fd == -1)
        return -1;
    for (;;) {
        long long rest = end - now();

        if (limit(fd, rest > 0 ? rest : 1) == -1)
            break;
        if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 || errno == EISCONN) {
            if (limit(fd, 0) == -1)
                break;
            return fd;
        }
        if (errno == EINPROGRESS || errno == EAGAIN)
            errno = ETIMEDOUT;
        if (errno != EINTR && errno != EALREADY)
            break;
    }
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints, *list;
    long long end;
    int fd = -1, code, error = ENOENT;

    if (!host || !port || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if ((code = getaddrinfo(host, port, &hints, &list)) != 0) {
        if (code != EAI_SYSTEM)
            errno = ENOENT;
        return -1;
    }
    end = now() + milliseconds;
    for (struct addrinfo *ai = list; ai && fd == -1; ai = ai->ai_next)
        if ((fd = attempt(ai, end)) == -1 && (error = errno) == ETIMEDOUT && now() >= end)
            break;
    freeaddrinfo(list);
    if (fd == -1)
        errno = error;
    return fd;
}
