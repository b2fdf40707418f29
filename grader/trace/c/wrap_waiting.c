/*
 * Wrappers of the calls that wait for descriptors.  Their records hold the
 * number of descriptors, the limit in milliseconds, -1 for none, and how many of
 * the descriptors are asked for room to write (of epoll, epoll_ctl's records
 * tell).  A wait for no descriptor at all is a sleep, and recorded as one.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>

int __real_poll(struct pollfd *, nfds_t, int);
int __real_ppoll(struct pollfd *, nfds_t, const struct timespec *,
                 const sigset_t *);
int __real_pselect(int, fd_set *, fd_set *, fd_set *, const struct timespec *,
                   const sigset_t *);
int __real_epoll_create(int);
int __real_epoll_create1(int);
int __real_epoll_ctl(int, int, int, struct epoll_event *);

int __real_epoll_pwait(int, struct epoll_event *, int, int, const sigset_t *);

/* A time that the kernel accepts: the held clock has no word for others. */
static int is_valid(const struct timespec *t)
{
    return !t || (t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < NANOSECONDS);
}

static uint64_t nanoseconds(const struct timespec *t)
{
    return t ? (uint64_t)t->tv_sec * NANOSECONDS + (uint64_t)t->tv_nsec
             : NO_LIMIT;
}

/* --- poll ----------------------------------------------------------------- */

struct polled {
    struct pollfd *fds;
    nfds_t count;
    const sigset_t *mask;
};

static int64_t writers_of(const struct pollfd *fds, nfds_t count)
{
    int64_t writers = 0;

    for (nfds_t i = 0; i < count; i++)
        writers += fds[i].fd >= 0 && (fds[i].events & POLLOUT) != 0;
    return writers;
}

static long look_at_polled(void *what, const struct timespec *slice)
{
    struct polled *p = what;

    return __real_ppoll(p->fds, p->count, slice, p->mask);
}

static long traced_poll(uintptr_t caller, struct pollfd *fds, nfds_t count,
                        const struct timespec *timeout, const sigset_t *mask,
                        int64_t limit)
{
    struct polled polled = { fds, count, mask };
    struct call call = trace_enter(count || limit < 0 ? OP_POLL : OP_SLEEP,
                                   caller, count ? fds[0].fd : -1,
                                   (int64_t)count, limit,
                                   writers_of(fds, count), 0);
    struct timespec shorter;
    long result;

    trace_keep(&call, fds, count * sizeof fds[0]);
    if (trace_answers(&call, &result))
        return trace_leave(&call, result);
    if (clock_is_held() && is_valid(timeout))
        result = clock_wait(&call, nanoseconds(timeout), look_at_polled,
                            &polled);
    else {
        if (count == 0 && limit > 0)
            timeout = trace_shortened(&call, timeout, &shorter);
        result = __real_ppoll(fds, count, timeout, mask);
    }
    return trace_leave(&call, result);
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    struct timespec t = { timeout / 1000, timeout % 1000 * 1000000L };

    return (int)traced_poll(CALLER, fds, count, timeout < 0 ? NULL : &t, NULL,
                            timeout < 0 ? -1 : timeout);
}

int __wrap_ppoll(struct pollfd *fds, nfds_t count,
                 const struct timespec *timeout, const sigset_t *mask)
{
    return (int)traced_poll(CALLER, fds, count, timeout, mask,
                            trace_milliseconds(timeout));
}

/* --- select --------------------------------------------------------------- */

/* The sets as the caller gave them, since a look overwrites its own. */
struct selected {
    int n;
    fd_set *sets[3];
    fd_set asked[3];
    const sigset_t *mask;
};

/* The part of a set that select reads: a caller's may be no longer. */
static size_t set_size(int n)
{
    size_t bits = 8 * sizeof(long), size;

    size = n > 0 ? ((size_t)n + bits - 1) / bits * sizeof(long) : 0;
    return size < sizeof(fd_set) ? size : sizeof(fd_set);
}

static int64_t writers_in(int n, fd_set *set)
{
    int64_t writers = 0;

    for (int fd = 0; set && fd < n && fd < FD_SETSIZE; fd++)
        writers += FD_ISSET(fd, set) != 0;
    return writers;
}

static long look_at_selected(void *what, const struct timespec *slice)
{
    struct selected *s = what;

    for (int i = 0; i < 3; i++)
        if (s->sets[i])
            memcpy(s->sets[i], &s->asked[i], set_size(s->n));
    return __real_pselect(s->n, s->sets[0], s->sets[1], s->sets[2], slice,
                          s->mask);
}

static long traced_select(uintptr_t caller, int n, fd_set *readable,
                          fd_set *writable, fd_set *except,
                          const struct timespec *timeout, const sigset_t *mask)
{
    struct selected s = { .n = n, .sets = { readable, writable, except },
                          .mask = mask };
    int sleeps = timeout && !readable && !writable && !except;
    struct call call = trace_enter(sleeps ? OP_SLEEP : OP_SELECT, caller, -1, n,
                                   trace_milliseconds(timeout),
                                   writers_in(n, writable), 0);
    struct timespec shorter;
    long result;

    if (trace_answers(&call, &result))
        return trace_leave(&call, result);
    if (!clock_is_held() || !is_valid(timeout)) {
        if (sleeps)
            timeout = trace_shortened(&call, timeout, &shorter);
        result = __real_pselect(n, readable, writable, except, timeout, mask);
        return trace_leave(&call, result);
    }
    for (int i = 0; i < 3; i++)
        if (s.sets[i])
            memcpy(&s.asked[i], s.sets[i], set_size(n));
    result = clock_wait(&call, nanoseconds(timeout), look_at_selected, &s);
    return trace_leave(&call, result);
}

int __wrap_select(int n, fd_set *readable, fd_set *writable, fd_set *except,
                  struct timeval *timeout)
{
    uint64_t start = clock_time(), limit = NO_LIMIT, spent;
    struct timespec t = { 0, 0 };
    int result;

    if (timeout) {
        t.tv_sec = timeout->tv_sec + timeout->tv_usec / 1000000;
        t.tv_nsec = timeout->tv_usec % 1000000 * 1000L;
        limit = nanoseconds(&t);
    }
    result = (int)traced_select(CALLER, n, readable, writable, except,
                                timeout ? &t : NULL, NULL);
    if (timeout) {              /* Linux leaves what was not slept there */
        spent = clock_time() - start;
        limit = spent < limit ? limit - spent : 0;
        timeout->tv_sec = (time_t)(limit / NANOSECONDS);
        timeout->tv_usec = (suseconds_t)(limit % NANOSECONDS / 1000);
    }
    return result;
}

int __wrap_pselect(int n, fd_set *readable, fd_set *writable, fd_set *except,
                   const struct timespec *timeout, const sigset_t *mask)
{
    return (int)traced_select(CALLER, n, readable, writable, except, timeout,
                              mask);
}

/* --- epoll ---------------------------------------------------------------- */

int __wrap_epoll_create(int size)
{
    struct call call = trace_enter(OP_EPOLL_CREATE, CALLER, -1, size, 0, 0, 0);

    RETURN_TRACED(call, __real_epoll_create(size));
}

int __wrap_epoll_create1(int flags)
{
    struct call call = trace_enter(OP_EPOLL_CREATE, CALLER, -1, flags, 0, 0, 0);

    RETURN_TRACED(call, __real_epoll_create1(flags));
}

int __wrap_epoll_ctl(int fd, int operation, int target,
                     struct epoll_event *event)
{
    struct call call = trace_enter(OP_EPOLL_CTL, CALLER, fd, operation, target,
                                   event ? event->events : 0, 0);

    RETURN_TRACED(call, __real_epoll_ctl(fd, operation, target, event));
}

struct epolled {
    int fd, count;
    struct epoll_event *events;
    const sigset_t *mask;
};

static long look_at_epolled(void *what, const struct timespec *slice)
{
    struct epolled *e = what;

    return __real_epoll_pwait(e->fd, e->events, e->count,
                              slice->tv_nsec ? 1 : 0, e->mask);
}

static int traced_epoll(uintptr_t caller, int fd, struct epoll_event *events,
                        int count, int timeout, const sigset_t *mask)
{
    struct epolled epolled = { fd, count, events, mask };
    struct call call = trace_enter(OP_EPOLL_WAIT, caller, fd, count,
                                   timeout < 0 ? -1 : timeout, 0, 0);
    long result;

    if (trace_answers(&call, &result))
        return (int)trace_leave(&call, result);
    if (clock_is_held())
        result = clock_wait(&call, timeout < 0 ? NO_LIMIT
                                               : (uint64_t)timeout * 1000000,
                            look_at_epolled, &epolled);
    else
        do
            result = __real_epoll_pwait(fd, events, count, timeout, mask);
        while (trace_goes_on(&call, result));
    return (int)trace_leave(&call, result);
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int count,
                      int timeout)
{
    return traced_epoll(CALLER, fd, events, count, timeout, NULL);
}

int __wrap_epoll_pwait(int fd, struct epoll_event *events, int count,
                       int timeout, const sigset_t *mask)
{
    return traced_epoll(CALLER, fd, events, count, timeout, mask);
}
