/*
 * The held clock: the script's time, waits in slices, timers that are due.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

int __real_clock_gettime(clockid_t, struct timespec *);
int __real_fcntl(int, int, ...);
int __real_getsockopt(int, int, int, void *, socklen_t *);
int __real_ppoll(struct pollfd *, nfds_t, const struct timespec *,
                 const sigset_t *);
int __real_timerfd_settime(int, int, const struct itimerspec *,
                           struct itimerspec *);

static const struct timespec at_once = { 0, 0 };
static const struct timespec slice = { 0, 300000 };

enum { TIMERS = 16 };

static struct {
    int fd;
    uint64_t due;               /* 0: unset */
} timers[TIMERS];

static uint64_t alarm_due, alarm_period;

static uint64_t real_time(clockid_t id)
{
    struct timespec t;

    __real_clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * NANOSECONDS + (uint64_t)t.tv_nsec;
}

static uint64_t *field_at(size_t offset)
{
    return (uint64_t *)(void *)trace_field(offset);
}

int clock_is_held(void)
{
    return trace_memory() &&
           __atomic_load_n(trace_field(TRACE_AT_CLOCK_HELD), __ATOMIC_SEQ_CST);
}

uint64_t clock_time(void)
{
    if (!clock_is_held())
        return real_time(CLOCK_MONOTONIC);
    return __atomic_load_n(field_at(TRACE_AT_CLOCK_NOW), __ATOMIC_SEQ_CST) +
           __atomic_load_n(field_at(TRACE_AT_CLOCK_DRIFT), __ATOMIC_SEQ_CST);
}

uint64_t clock_reading(void)
{
    enum { BETWEEN_READINGS = 1000 };

    if (clock_is_held())
        __atomic_fetch_add(field_at(TRACE_AT_CLOCK_DRIFT), BETWEEN_READINGS,
                           __ATOMIC_SEQ_CST);
    return clock_time();
}

uint64_t clock_offset(void)
{
    static uint64_t offset;     /* one value for the life of the process */

    if (offset == 0)            /* whole seconds: both show the same fraction */
        offset = (real_time(CLOCK_REALTIME) - real_time(CLOCK_MONOTONIC)) /
                 NANOSECONDS * NANOSECONDS;
    return offset;
}

/* --- timers --------------------------------------------------------------- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When the first timer is due; NO_LIMIT if none is set. */
static uint64_t first_timer(void)
{
    uint64_t first = alarm_due ? alarm_due : NO_LIMIT;

    for (int i = 0; i < TIMERS; i++)
        if (timers[i].due)
            first = earlier(first, timers[i].due);
    return first;
}

/* Let timers expire that are due; returns whether a signal was raised. */
static int timers_expire(void)
{
    static const struct itimerspec soon = { { 0, 0 }, { 0, 1 } };
    uint64_t now = clock_time();

    for (int i = 0; i < TIMERS; i++)
        if (timers[i].due && timers[i].due <= now) {
            timers[i].due = 0;
            __real_timerfd_settime(timers[i].fd, 0, &soon, NULL);
        }
    if (alarm_due == 0 || alarm_due > now)
        return 0;
    alarm_due = alarm_period ? now + alarm_period : 0;
    raise(SIGALRM);
    return 1;
}

uint64_t clock_alarm(uint64_t after, uint64_t period, uint64_t *old_period)
{
    uint64_t now = clock_time(), left = 0;

    if (alarm_due)
        left = alarm_due > now ? alarm_due - now : 1;
    if (old_period)
        *old_period = alarm_period;
    alarm_due = after ? now + after : 0;
    alarm_period = period;
    return left;
}

void clock_timer(int fd, uint64_t after)
{
    int free_one = -1;

    for (int i = 0; i < TIMERS; i++) {
        if (timers[i].due && timers[i].fd == fd)
            timers[i].due = 0;
        if (timers[i].due == 0)
            free_one = i;
    }
    if (after && free_one != -1) {
        timers[free_one].fd = fd;
        timers[free_one].due = clock_time() + after;
    }
}

void clock_notes_timer(uint64_t after, uint64_t period)
{
    uint64_t *latest = field_at(TRACE_AT_TIMER_DUE);
    uint64_t due = period ? NO_LIMIT : real_time(CLOCK_MONOTONIC) + after;

    if (latest && after && *latest < due)
        *latest = due;
}

/* --- waiting --------------------------------------------------------------- */

/* Whether the script lets a signal come now. */
static int is_interrupted(struct call *call)
{
    uint32_t *pending = trace_field(TRACE_AT_INTERRUPTS);
    uint32_t n = __atomic_load_n(pending, __ATOMIC_SEQ_CST);

    while (n > 0)
        if (__atomic_compare_exchange_n(pending, &n, n - 1, 0, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            call->record->injected |= TRACE_SIGNAL;
            return 1;
        }
    return 0;
}

long clock_wait(struct call *call, uint64_t limit, clock_look *look, void *what)
{
    uint64_t start = clock_time();
    uint64_t end = limit < NO_LIMIT - start ? start + limit : NO_LIMIT;
    long result = look(what, &at_once);

    if (result != 0 || limit == 0)
        return result;
    for (;;) {
        uint64_t until = earlier(end, first_timer());

        if (until != NO_LIMIT)
            trace_waits(call, until, start);
        if (is_interrupted(call) || timers_expire()) {
            errno = EINTR;
            return -1;
        }
        do
            result = look(what, &slice);
        while (trace_goes_on(call, result));
        if (result != 0)
            return result;
        if (clock_time() >= end)
            return 0;
    }
}

static long look_at(void *what, const struct timespec *time)
{
    return __real_ppoll(what, 1, time, NULL);
}

/* Whether the kernel goes on with a call after any signal that has a handler
   (sigaction(2), SA_RESTART): never with one that has a time limit (signal(7)). */
static int goes_on_after_signals(uint64_t limit)
{
    static const uint64_t own = 1ull << SIGSEGV | 1ull << SIGBUS | 1ull << SIGFPE |
                                1ull << SIGILL | 1ull << SIGABRT; /* the tracer's handlers,
                                                                  the sanitizers' */
    struct sigaction action;

    for (int number = 1; number < NSIG; number++)
        if (limit != NO_LIMIT ||
            (sigaction(number, NULL, &action) == 0 &&
             action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN &&
             !(action.sa_flags & SA_RESTART) && !(own >> number & 1)))
            return 0;
    return 1;
}

/* Look for what a blocking call wants; the result is that of clock_wait(). */
static long await(struct call *call, uint64_t limit, clock_look *look, void *what)
{
    struct timespec time = { (time_t)(limit / NANOSECONDS),
                             (long)(limit % NANOSECONDS) };
    long ready;

    do {
        ready = clock_is_held()
                    ? clock_wait(call, limit, look, what)
                    : look(what, limit == NO_LIMIT ? NULL : &time);
    } while (ready == -1 && errno == EINTR &&
             !(call->record->injected & TRACE_SIGNAL) &&
             goes_on_after_signals(limit));
    return ready;
}

/* The time limit of a blocking call on fd (SO_RCVTIMEO, SO_SNDTIMEO) in *limit;
   0 for a call that does not block, or for a descriptor that is none: it fails
   by itself. */
static int blocks(int fd, int flags, int option, uint64_t *limit)
{
    struct timeval own = { 0, 0 };
    socklen_t size = sizeof own;

    if (flags & MSG_DONTWAIT || __real_fcntl(fd, F_GETFL) & O_NONBLOCK ||
        __real_getsockopt(fd, SOL_SOCKET, option, &own, &size) == -1)
        return 0;
    *limit = (uint64_t)own.tv_sec * NANOSECONDS + (uint64_t)own.tv_usec * 1000;
    if (*limit == 0)
        *limit = NO_LIMIT;
    return 1;
}

int clock_lets(struct call *call, int fd, int flags, short events, int expired,
               long *result)
{
    struct pollfd wanted = { .fd = fd, .events = events };
    int option = events == POLLIN ? SO_RCVTIMEO : SO_SNDTIMEO;
    int saved_errno = errno;
    uint64_t limit;
    long ready;

    if (!(clock_is_held() || call->is_early) ||
        !blocks(fd, flags, option, &limit)) {
        errno = saved_errno;
        return 1;
    }
    ready = await(call, limit, look_at, &wanted);
    if (ready > 0) {
        errno = saved_errno;
        return trace_is_ready(call, result);
    }
    if (ready == 0)
        errno = expired;
    *result = -1;
    return 0;
}

int clock_tries(struct call *call, int fd, int flags, clock_look *attempt,
                void *what, long *result)
{
    int saved_errno = errno;
    uint64_t limit;
    long made;

    if (!blocks(fd, flags, SO_SNDTIMEO, &limit)) {
        errno = saved_errno;
        return 1;
    }
    made = await(call, limit, attempt, what);
    if (made == 0)
        errno = EAGAIN;
    *result = -1;
    return made > 0;
}
