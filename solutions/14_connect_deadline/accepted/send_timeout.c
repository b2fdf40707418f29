/* A blocking connect with SO_SNDTIMEO, which the kernel keeps; after a signal
   the attempt goes on in the background and is awaited with select(). */

#include "connect_deadline.h"

#include <errno.h>
#include <netdb.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct timeval rest_of(const struct timespec *end)
{
    struct timespec t;
    long long microseconds;

    clock_gettime(CLOCK_MONOTONIC, &t);
    microseconds = (end->tv_sec - t.tv_sec) * 1000000LL +
                   (end->tv_nsec - t.tv_nsec) / 1000;
    if (microseconds < 0)
        microseconds = 0;
    return (struct timeval){ microseconds / 1000000, microseconds % 1000000 };
}

static int wait_for(int fd, const struct timespec *end)
{
    int n, error;
    socklen_t size = sizeof error;

    if (fd >= FD_SETSIZE)
        return EMFILE;
    do {
        struct timeval rest = rest_of(end);
        fd_set writable;

        FD_ZERO(&writable);
        FD_SET(fd, &writable);
        n = select(fd + 1, NULL, &writable, NULL, &rest);
    } while (n == -1 && errno == EINTR);
    if (n <= 0)
        return n == 0 ? ETIMEDOUT : errno;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1 ? errno
                                                                     : error;
}

static int attempt(int fd, const struct addrinfo *a, const struct timespec *end)
{
    struct timeval rest = rest_of(end), none = { 0, 0 };
    int error = 0;

    if (rest.tv_sec == 0 && rest.tv_usec == 0)
        return ETIMEDOUT;       /* 0 would mean no limit */
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &rest, sizeof rest) == -1)
        return errno;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == -1) {
        error = errno;
        if (error == EINTR)
            error = wait_for(fd, end);
        else if (error == EINPROGRESS)
            error = ETIMEDOUT;
    }
    if (error == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none) == -1)
        error = errno;
    return error;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;
    struct timespec end;
    int fd, error;

    if (milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    error = getaddrinfo(host, port, &hints, &list);
    if (error != 0) {
        errno = error == EAI_SYSTEM && errno ? errno : EHOSTUNREACH;
        return -1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += milliseconds % 1000 * 1000000L;
    if (end.tv_nsec >= 1000000000L) {
        end.tv_nsec -= 1000000000L;
        end.tv_sec++;
    }
    for (a = list; a != NULL; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        error = attempt(fd, a, &end);
        if (error == 0) {
            freeaddrinfo(list);
            return fd;
        }
        close(fd);
    }
    freeaddrinfo(list);
    errno = error;
    return -1;
}
