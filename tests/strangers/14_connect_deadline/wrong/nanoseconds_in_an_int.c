/*
 * expect: fail
 * gap: other
 * cause: The limit is turned into nanoseconds in int arithmetic; from 2,148 ms on the product overflows, and the deadline lies far too early, often in the past.
 * shows: A limit of 3,000 ms (or 30,000) and a server that takes a moment to answer: ETIMEDOUT at once.
 * says: ppoll() was given 0 ms
 */
#define _GNU_SOURCE
#include "connect_deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_MS 1000000u
#define NS_PER_S 1000000000L

static struct timespec later(int milliseconds)
{
    struct timespec t;
    int ns = milliseconds * NS_PER_MS;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ns;
    while (t.tv_nsec >= NS_PER_S) {
        t.tv_sec++;
        t.tv_nsec -= NS_PER_S;
    }
    while (t.tv_nsec < 0) {
        t.tv_sec--;
        t.tv_nsec += NS_PER_S;
    }
    return t;
}

/* What is left until `end`; 0 when it has passed. */
static int remaining(const struct timespec *end, struct timespec *left)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    left->tv_sec = end->tv_sec - now.tv_sec;
    left->tv_nsec = end->tv_nsec - now.tv_nsec;
    if (left->tv_nsec < 0) {
        left->tv_sec--;
        left->tv_nsec += NS_PER_S;
    }
    if (left->tv_sec < 0) {
        left->tv_sec = left->tv_nsec = 0;
        return 0;
    }
    return 1;
}

static int established(int fd, const struct timespec *end)
{
    struct pollfd p = { fd, POLLOUT, 0 };
    struct timespec left;
    socklen_t n = sizeof(int);
    int more, rc, error = 0;

    do {
        more = remaining(end, &left);
        rc = ppoll(&p, 1, &left, NULL);
    } while ((rc == -1 && errno == EINTR) || (rc == 0 && more));
    if (rc == -1)
        return -1;
    if (rc == 0) {
        errno = ETIMEDOUT;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
        return -1;
    errno = error;
    return error == 0 ? 0 : -1;
}

static int connect_until(const struct addrinfo *a, const struct timespec *end)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK, a->ai_protocol), saved;

    if (fd == -1)
        return -1;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 ||
        ((errno == EINPROGRESS || errno == EINTR) && established(fd, end) == 0))
        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) != -1)
            return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;
    struct timespec end, left;
    int fd = -1, rc, saved;

    if (host == NULL || port == NULL || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EHOSTUNREACH;
        return -1;
    }
    end = later(milliseconds);
    for (a = list; a != NULL && fd == -1; a = a->ai_next) {
        if (a != list && !remaining(&end, &left)) {
            errno = ETIMEDOUT;
            break;
        }
        fd = connect_until(a, &end);
    }
    saved = errno;
    freeaddrinfo(list);
    errno = saved;
    return fd;
}
