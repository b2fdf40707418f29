/* Connect within a time limit: one deadline for all addresses together. */

#include "connect_deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds on a clock that nobody sets. */
static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Wait for the end of a connect.  Returns its errno, 0 for success. */
static int outcome_by(long long deadline, int fd)
{
    struct pollfd waiter = { .fd = fd, .events = POLLOUT };
    int ready, error;
    socklen_t size = sizeof error;

    do {
        long long left = deadline - now();

        ready = poll(&waiter, 1, left > 0 ? (int)left : 0);
    } while (ready == -1 && errno == EINTR);
    if (ready == -1)
        return errno;
    if (ready == 0)
        return ETIMEDOUT;
    /* Writable says that the attempt is over, not how it ended. */
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        return errno;
    return error;
}

/* Connect fd before the deadline, and let it block again.
   Returns an errno, 0 for success. */
static int connect_by(long long deadline, int fd, const struct addrinfo *a)
{
    int flags = fcntl(fd, F_GETFL), error = 0;

    if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
        return errno;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == -1)
        error = errno;
    if (error == EINPROGRESS || error == EINTR)
        error = outcome_by(deadline, fd);
    if (error == 0 && fcntl(fd, F_SETFL, flags) == -1)
        error = errno;
    return error;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints, *addresses, *a;
    int fd = -1, error;
    long long deadline;

    if (milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    error = getaddrinfo(host, port, &hints, &addresses);
    if (error != 0) {
        if (error != EAI_SYSTEM)
            errno = ENXIO;
        return -1;
    }
    deadline = now() + milliseconds;
    for (a = addresses; a != NULL; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        error = fd == -1 ? errno : connect_by(deadline, fd, a);
        if (error == 0)
            break;
        if (fd != -1)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(addresses);
    errno = error;
    return fd;
}
