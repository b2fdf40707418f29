/*
 * Wrappers of the calls that read a clock or set a timer, and sleeping on the
 * held clock.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

int __real_clock_gettime(clockid_t, struct timespec *);
int __real_gettimeofday(struct timeval *, void *);
int __real_timespec_get(struct timespec *, int);
time_t __real_time(time_t *);
int __real_nanosleep(const struct timespec *, struct timespec *);
unsigned int __real_alarm(unsigned int);
int __real_setitimer(int, const struct itimerval *, struct itimerval *);
int __real_getitimer(int, struct itimerval *);
int __real_timerfd_settime(int, int, const struct itimerspec *,
                           struct itimerspec *);

static uint64_t of_timespec(const struct timespec *t)
{
    return (uint64_t)t->tv_sec * NANOSECONDS + (uint64_t)t->tv_nsec;
}

static uint64_t of_timeval(const struct timeval *t)
{
    return (uint64_t)t->tv_sec * NANOSECONDS + (uint64_t)t->tv_usec * 1000;
}

static struct timespec as_timespec(uint64_t time)
{
    return (struct timespec){ (time_t)(time / NANOSECONDS),
                              (long)(time % NANOSECONDS) };
}

static struct timeval as_timeval(uint64_t time)
{
    return (struct timeval){ (time_t)(time / NANOSECONDS),
                             (suseconds_t)(time % NANOSECONDS / 1000) };
}

/* Whether id is a clock that the script holds; then *now is what it shows. */
static int shows(clockid_t id, uint64_t *now)
{
    if (!clock_is_held())
        return 0;
    switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
        *now = clock_reading() + clock_offset();
        return 1;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_BOOTTIME:
        *now = clock_reading();
        return 1;
    default:
        return 0;               /* processor time and the like run on */
    }
}

int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
    uint64_t now;

    if (!shows(id, &now))
        return __real_clock_gettime(id, t);
    *t = as_timespec(now);
    return 0;
}

int __wrap_gettimeofday(struct timeval *t, void *zone)
{
    uint64_t now;

    if (!shows(CLOCK_REALTIME, &now))
        return __real_gettimeofday(t, zone);
    *t = as_timeval(now);
    return 0;
}

int __wrap_timespec_get(struct timespec *t, int base)
{
    uint64_t now;

    if (base != TIME_UTC || !shows(CLOCK_REALTIME, &now))
        return __real_timespec_get(t, base);
    *t = as_timespec(now);
    return base;
}

time_t __wrap_time(time_t *t)
{
    uint64_t now;

    if (!shows(CLOCK_REALTIME, &now))
        return __real_time(t);
    if (t)
        *t = (time_t)(now / NANOSECONDS);
    return (time_t)(now / NANOSECONDS);
}

/* --- sleeping ------------------------------------------------------------- */

static long nothing(void *what, const struct timespec *slice)
{
    (void)what;
    if (slice->tv_nsec)
        return __real_nanosleep(slice, NULL);
    return 0;
}

/* Sleep on the held clock; returns the nanoseconds that a signal has cut off. */
static uint64_t sleeps(uintptr_t caller, uint64_t length)
{
    uint64_t end = clock_time() + length, now;
    struct call call = trace_enter(OP_SLEEP, caller, -1, 0,
                                   (int64_t)(length / 1000000), 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = clock_wait(&call, length, nothing, NULL);
    trace_leave(&call, result);
    now = clock_time();
    return result == -1 && now < end ? end - now : 0;
}

int clock_nanosleeps(uintptr_t caller, const struct timespec *length,
                     struct timespec *left)
{
    uint64_t cut = sleeps(caller, of_timespec(length));

    if (cut && left)
        *left = as_timespec(cut);
    errno = cut ? EINTR : errno;
    return cut ? -1 : 0;
}

int clock_sleeps_by(uintptr_t caller, clockid_t id, int flags,
                    const struct timespec *time, struct timespec *left,
                    int *result)
{
    uint64_t now, length = of_timespec(time), cut;

    if (!shows(id, &now))
        return 0;
    if (flags & TIMER_ABSTIME)
        length = length > now ? length - now : 0;
    cut = sleeps(caller, length);
    if (cut && left && !(flags & TIMER_ABSTIME))
        *left = as_timespec(cut);
    *result = cut ? EINTR : 0;  /* it returns the error itself */
    return 1;
}

/* --- timers ---------------------------------------------------------------- */

unsigned int __wrap_alarm(unsigned int length)
{
    if (!clock_is_held()) {
        clock_notes_timer((uint64_t)length * NANOSECONDS, 0);
        return __real_alarm(length);
    }
    return (unsigned int)((clock_alarm((uint64_t)length * NANOSECONDS, 0, NULL) +
                           NANOSECONDS - 1) / NANOSECONDS);
}

int __wrap_setitimer(int which, const struct itimerval *value,
                     struct itimerval *old)
{
    uint64_t left, period;

    if (which != ITIMER_REAL || !clock_is_held()) {
        clock_notes_timer(of_timeval(&value->it_value),
                          of_timeval(&value->it_interval));
        return __real_setitimer(which, value, old);
    }
    left = clock_alarm(of_timeval(&value->it_value),
                       of_timeval(&value->it_interval), &period);
    if (old)
        *old = (struct itimerval){ as_timeval(period), as_timeval(left) };
    return 0;
}

int __wrap_timerfd_settime(int fd, int flags, const struct itimerspec *value,
                           struct itimerspec *old)
{
    static const struct itimerspec unset;
    uint64_t after = of_timespec(&value->it_value), now = clock_time();

    if (flags & TFD_TIMER_ABSTIME && after) {
        if (after > clock_offset())
            after -= clock_offset();    /* only CLOCK_REALTIME is that far on */
        after = after > now ? after - now : 1;
    }
    if (!clock_is_held()) {
        clock_notes_timer(after, of_timespec(&value->it_interval));
        return __real_timerfd_settime(fd, flags, value, old);
    }
    clock_timer(fd, after);
    return __real_timerfd_settime(fd, 0, &unset, old);
}
