/*
 * expect: fail
 * gap: other
 * cause: One socket is made for the first address and used for all of them: an IPv6 socket cannot connect to an IPv4 address.
 * shows: `localhost` with ::1 first, where only 127.0.0.1 listens: no connection, though one address would take it.
 * says: each address needs a socket of its own
 */
#include "connect_deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* 0 when the connection stands, else an errno */
static int wait_for(int fd, long long deadline)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    socklen_t size;
    int error, rc;

    for (;;) {
        long long left = deadline - now_ms();

        rc = poll(&p, 1, left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left);
        if (rc > 0)
            break;
        if (rc == -1 && errno != EINTR)
            return errno;
        if (rc == 0 && now_ms() >= deadline)
            return ETIMEDOUT;
    }
    error = 0;
    size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        return errno;
    return error;
}

static int attempt(int fd, const struct addrinfo *ai, long long deadline)
{
    int flags = fcntl(fd, F_GETFL), error = 0;

    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
        return errno;
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) == -1) {
        if (errno != EINPROGRESS && errno != EINTR)
            return errno;
        error = wait_for(fd, deadline);
    }
    if (error == 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
        error = errno;
    return error;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints, *list, *ai;
    long long deadline;
    int fd = -1, rc, error = EADDRNOTAVAIL;

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
            errno = rc == EAI_MEMORY ? ENOMEM : ENOENT;
        return -1;
    }
    deadline = now_ms() + milliseconds;
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        if (ai != list && now_ms() >= deadline) {
            error = ETIMEDOUT;
            break;
        }
        if (fd == -1)
            fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        error = attempt(fd, ai, deadline);
        if (error == 0) {
            freeaddrinfo(list);
            return fd;
        }
    }
    if (fd != -1)
        close(fd);
    freeaddrinfo(list);
    errno = error;
    return -1;
}
