/*
 * Wrappers of the calls that wait for descriptors.  Their records hold the
 * number of descriptors and the limit in milliseconds, -1 for none.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>

int __real_poll(struct pollfd *, nfds_t, int);
int __real_ppoll(struct pollfd *, nfds_t, const struct timespec *,
                 const sigset_t *);
int __real_select(int, fd_set *, fd_set *, fd_set *, struct timeval *);
int __real_pselect(int, fd_set *, fd_set *, fd_set *, const struct timespec *,
                   const sigset_t *);
int __real_epoll_create(int);
int __real_epoll_create1(int);
int __real_epoll_ctl(int, int, int, struct epoll_event *);
int __real_epoll_wait(int, struct epoll_event *, int, int);

static int64_t milliseconds(const struct timespec *t)
{
    return t ? (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000 : -1;
}

static long traced_poll(uintptr_t caller, struct pollfd *fds, nfds_t count,
                        const struct timespec *timeout, const sigset_t *mask,
                        int64_t limit)
{
    struct call call = trace_enter(OP_POLL, caller, count ? fds[0].fd : -1,
                                   (int64_t)count, limit, 0, 0);
    long result;

    trace_keep(&call, fds, count * sizeof fds[0]);
    if (!trace_answers(&call, &result))
        result = __real_ppoll(fds, count, timeout, mask);
    return trace_leave(&call, result);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    struct timespec t = { timeout / 1000, timeout % 1000 * 1000000L };

    return (int)traced_poll(CALLER, fds, count, timeout < 0 ? NULL : &t, NULL,
                            timeout);
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count,
                 const struct timespec *timeout, const sigset_t *mask)
{
    return (int)traced_poll(CALLER, fds, count, timeout, mask,
                            milliseconds(timeout));
}

int __wrap_select(int n, fd_set *readable, fd_set *writable, fd_set *except,
                  struct timeval *timeout)
{
    int64_t limit = timeout ? (int64_t)timeout->tv_sec * 1000 +
                              timeout->tv_usec / 1000 : -1;
    struct call call = trace_enter(OP_SELECT, CALLER, -1, n, limit, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_select(n, readable, writable, except, timeout);
    return (int)trace_leave(&call, result);
}

int __wrap_pselect(int n, fd_set *readable, fd_set *writable, fd_set *except,
                   const struct timespec *timeout, const sigset_t *mask)
{
    struct call call = trace_enter(OP_SELECT, CALLER, -1, n,
                                   milliseconds(timeout), 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_pselect(n, readable, writable, except, timeout, mask);
    return (int)trace_leave(&call, result);
}

int __wrap_epoll_create(int size)
{
    struct call call = trace_enter(OP_EPOLL_CREATE, CALLER, -1, size, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_epoll_create(size);
    return (int)trace_leave(&call, result);
}

int __wrap_epoll_create1(int flags)
{
    struct call call = trace_enter(OP_EPOLL_CREATE, CALLER, -1, flags, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_epoll_create1(flags);
    return (int)trace_leave(&call, result);
}

int __wrap_epoll_ctl(int fd, int operation, int target,
                     struct epoll_event *event)
{
    struct call call = trace_enter(OP_EPOLL_CTL, CALLER, fd, operation, target,
                                   event ? event->events : 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_epoll_ctl(fd, operation, target, event);
    return (int)trace_leave(&call, result);
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int count,
                      int timeout)
{
    struct call call = trace_enter(OP_EPOLL_WAIT, CALLER, fd, count, timeout,
                                   0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_epoll_wait(fd, events, count, timeout);
    return (int)trace_leave(&call, result);
}
