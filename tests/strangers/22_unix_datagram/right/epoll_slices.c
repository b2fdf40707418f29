/* expect: pass
 * gap: none
 * cause: epoll in slices of 30 ms; an address from the kernel; a peek for the answer's length
 * shows: -
 */
#define _GNU_SOURCE
#include "unix_datagram.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct asker {
    int fd, ep;
    struct timespec end;
};

static int over(const struct asker *a)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec > a->end.tv_sec || (t.tv_sec == a->end.tv_sec && t.tv_nsec >= a->end.tv_nsec);
}

static int await(struct asker *a, unsigned events)
{
    struct epoll_event ev = { .events = events };

    if (over(a)) {
        errno = ETIMEDOUT;
        return -1;
    }
    if (epoll_ctl(a->ep, EPOLL_CTL_MOD, a->fd, &ev) == -1)
        return -1;
    if (epoll_wait(a->ep, &ev, 1, 30) == -1 && errno != EINTR)
        return -1;
    return 0;
}

static ssize_t exchange(struct asker *a, const void *q, size_t len, char *answer, size_t size)
{
    ssize_t n;

    while (send(a->fd, q, len, MSG_DONTWAIT) == -1) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || await(a, EPOLLOUT) == -1)
            return -1;
    }
    while ((n = recv(a->fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT)) == -1) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || await(a, EPOLLIN) == -1)
            return -1;
    }
    if ((size_t)n > size) {
        errno = EMSGSIZE;
        return -1;
    }
    do
        n = recv(a->fd, answer, size, MSG_DONTWAIT);
    while (n == -1 && errno == EINTR);
    return n;
}

ssize_t ask(const char *path, const void *question, size_t len,
            char *answer, size_t size, int milliseconds)
{
    struct sockaddr_un to = { AF_UNIX, "" };
    struct epoll_event ev = { 0 };
    struct asker a = { -1, -1, { 0, 0 } };
    ssize_t n = -1;
    int error;

    if (milliseconds < 0 || len > 65536 || path[0] == 0 || (len && !question) || (size && !answer)) {
        errno = EINVAL;
        return -1;
    }
    if (strnlen(path, sizeof to.sun_path) == sizeof to.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    stpcpy(to.sun_path, path);
    clock_gettime(CLOCK_MONOTONIC, &a.end);
    a.end.tv_sec += milliseconds / 1000;
    a.end.tv_nsec += milliseconds % 1000 * 1000000;
    if (a.end.tv_nsec >= 1000000000) {
        a.end.tv_nsec -= 1000000000;
        a.end.tv_sec += 1;
    }
    if ((a.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) != -1 &&
        (a.ep = epoll_create1(EPOLL_CLOEXEC)) != -1 &&
        epoll_ctl(a.ep, EPOLL_CTL_ADD, a.fd, &ev) == 0 &&
        connect(a.fd, (struct sockaddr *)&to, sizeof to) == 0 &&
        bind(a.fd, (struct sockaddr *)&(sa_family_t){ AF_UNIX }, sizeof(sa_family_t)) == 0)
        n = exchange(&a, question, len, answer, size);
    error = errno;
    if (a.ep != -1)
        close(a.ep);
    if (a.fd != -1)
        close(a.fd);
    errno = error;
    return n;
}
