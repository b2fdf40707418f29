/*
 * expect: fail
 * gap: last-error-lost
 * cause: SO_ERROR is read twice, once for the test and once for errno; reading clears it, so the second time it is 0.
 * shows: The connection is refused: -1 with an errno of 0.
 * says: reads SO_ERROR once more
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

int connect_within(const char *host, const char *port, int milliseconds);

static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int pending_error(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return errno;
    return error;
}

static int try_one(int fd, const struct addrinfo *ai, long long deadline)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    int flags = fcntl(fd, F_GETFL), n;

    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return -1;
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0) {
        if (errno != EINPROGRESS && errno != EINTR)
            return -1;
        do {
            long long left = deadline - now();
            n = poll(&p, 1, left > 0 ? (int)left : 0);
        } while (n < 0 && errno == EINTR);
        if (n < 0)
            return -1;
        if (n == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (pending_error(fd) != 0) {
            errno = pending_error(fd);
            return -1;
        }
    }
    return fcntl(fd, F_SETFL, flags);
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints, *list, *ai;
    long long deadline;
    int fd = -1, rc, saved = EINVAL;

    if (!host || !port || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = ENOENT;
        return -1;
    }
    deadline = now() + milliseconds;
    for (ai = list; ai; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd < 0) {
            saved = errno;
            continue;
        }
        if (try_one(fd, ai, deadline) == 0)
            break;
        saved = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd < 0)
        errno = saved;
    return fd;
}
