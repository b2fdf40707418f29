/*
 * expect: pass
 * gap: none
 * cause: none, it is right: a timer descriptor holds the one deadline, and epoll watches it beside the socket.
 * shows: never
 */
#define _GNU_SOURCE
#include "unix_datagram.h"
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST = 65536 };

struct talk {
    int sock, timer, ep;
    int over;           /* no waiting any more */
};

static int watch(struct talk *t, int milliseconds)
{
    struct itimerspec when = { .it_value = { milliseconds / 1000, milliseconds % 1000 * 1000000L } };
    struct epoll_event e = { .events = EPOLLIN, .data.fd = -1 };

    if (milliseconds == 0) {    /* zero would disarm the timer */
        t->over = 1;
        return 0;
    }
    if ((t->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) == -1)
        return -1;
    if (timerfd_settime(t->timer, 0, &when, NULL) == -1)
        return -1;
    if ((t->ep = epoll_create1(EPOLL_CLOEXEC)) == -1)
        return -1;
    e.data.fd = t->timer;
    if (epoll_ctl(t->ep, EPOLL_CTL_ADD, t->timer, &e) == -1)
        return -1;
    e.events = 0;
    e.data.fd = t->sock;
    return epoll_ctl(t->ep, EPOLL_CTL_ADD, t->sock, &e);
}

/* 0: try once more */
static int pause_for(struct talk *t, uint32_t what)
{
    struct epoll_event e = { .events = what, .data.fd = t->sock }, got[2];
    int n;

    if (t->over) {
        errno = ETIMEDOUT;
        return -1;
    }
    if (epoll_ctl(t->ep, EPOLL_CTL_MOD, t->sock, &e) == -1)
        return -1;
    while ((n = epoll_wait(t->ep, got, 2, -1)) == -1)
        if (errno != EINTR)
            return -1;
    while (n-- > 0)
        if (got[n].data.fd == t->timer)
            t->over = 1;
    return 0;
}

static ssize_t converse(struct talk *t, const struct sockaddr_un *to, const void *q, size_t len, char *a, size_t size)
{
    sa_family_t any = AF_UNIX;
    ssize_t n;

    while (connect(t->sock, (const struct sockaddr *)to, sizeof *to) == -1)
        if (errno != EINTR)
            return -1;
    if (bind(t->sock, (struct sockaddr *)&any, sizeof any) == -1)
        return -1;
    for (;;) {
        if (send(t->sock, q, len, MSG_NOSIGNAL) != -1)
            break;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || pause_for(t, EPOLLOUT) == -1)
            return -1;
    }
    for (;;) {
        n = recv(t->sock, a, size, MSG_TRUNC);
        if (n != -1)
            break;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || pause_for(t, EPOLLIN) == -1)
            return -1;
    }
    if (n > LONGEST || (size_t)n > size) {
        errno = EMSGSIZE;
        return -1;
    }
    return n;
}

ssize_t ask(const char *path, const void *question, size_t len, char *answer, size_t size, int milliseconds)
{
    struct sockaddr_un to;
    struct talk t = { -1, -1, -1, 0 };
    ssize_t n = -1;
    int e;

    errno = EINVAL;
    if (path == NULL || *path == 0 || len > LONGEST || milliseconds < 0)
        return -1;
    if ((len > 0 && question == NULL) || (size > 0 && answer == NULL))
        return -1;
    memset(&to, 0, sizeof to);
    to.sun_family = AF_UNIX;
    if (strlen(path) > sizeof to.sun_path - 1) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, path, strlen(path));

    t.sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t.sock != -1 && watch(&t, milliseconds) != -1)
        n = converse(&t, &to, question, len, answer, size);
    e = errno;
    if (t.ep != -1)
        close(t.ep);
    if (t.timer != -1)
        close(t.timer);
    if (t.sock != -1)
        close(t.sock);
    errno = e;
    return n;
}
