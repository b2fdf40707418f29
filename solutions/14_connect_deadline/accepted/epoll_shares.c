/* Each address gets an equal share of the time that is left, so that a silent
   one does not use it all up; sockets are born non-blocking. */

#define _GNU_SOURCE
#include "connect_deadline.h"

#include <errno.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static long milliseconds_now(void)
{
    struct timeval t;

    gettimeofday(&t, NULL);
    return t.tv_sec * 1000L + t.tv_usec / 1000;
}

/* 0, or an errno; ETIMEDOUT at the given moment. */
static int await(int fd, long moment)
{
    struct epoll_event event = { .events = EPOLLOUT | EPOLLERR };
    int watcher = epoll_create1(EPOLL_CLOEXEC), n = -1, error = 0;
    socklen_t size = sizeof error;

    if (watcher == -1)
        return errno;
    if (epoll_ctl(watcher, EPOLL_CTL_ADD, fd, &event) == 0) {
        do {
            long left = moment - milliseconds_now();

            n = epoll_wait(watcher, &event, 1, left < 0 ? 0 : (int)left);
        } while (n == -1 && errno == EINTR);
    }
    if (n == -1)
        error = errno;
    else if (n == 0)
        error = ETIMEDOUT;
    else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        error = errno;
    close(watcher);
    return error;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *first, *a;
    int error, blocking = 0, count = 0;
    long end;

    if (milliseconds < 0)
        return errno = EINVAL, -1;
    error = getaddrinfo(host, port, &hints, &first);
    if (error != 0) {
        if (error != EAI_SYSTEM)
            errno = ENOENT;
        return -1;
    }
    end = milliseconds_now() + milliseconds;
    for (a = first; a != NULL; a = a->ai_next)
        count++;
    for (a = first; a != NULL; a = a->ai_next, count--) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK,
                        a->ai_protocol);
        long start = milliseconds_now();

        error = 0;
        if (fd == -1 || connect(fd, a->ai_addr, a->ai_addrlen) == -1)
            error = errno;
        if (fd != -1 && (error == EINPROGRESS || error == EINTR))
            error = await(fd, start + (end - start) / count);
        if (error == 0 && ioctl(fd, FIONBIO, &blocking) == -1)
            error = errno;
        if (error == 0) {
            freeaddrinfo(first);
            return fd;
        }
        if (fd != -1)
            close(fd);
    }
    freeaddrinfo(first);
    errno = error;
    return -1;
}
