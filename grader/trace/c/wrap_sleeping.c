/*
 * Wrappers of the calls that wait for time or for a signal.  Their records hold,
 * as those of poll do, the limit in milliseconds in the second place, -1 for none.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

unsigned int __real_sleep(unsigned int);
int __real_usleep(useconds_t);
int __real_nanosleep(const struct timespec *, struct timespec *);
int __real_clock_nanosleep(clockid_t, int, const struct timespec *,
                           struct timespec *);
int __real_pause(void);
int __real_sigsuspend(const sigset_t *);
int __real_sigwait(const sigset_t *, int *);
int __real_sigwaitinfo(const sigset_t *, siginfo_t *);
int __real_sigtimedwait(const sigset_t *, siginfo_t *, const struct timespec *);

unsigned int __wrap_sleep(unsigned int seconds)
{
    struct timespec time = { (time_t)seconds, 0 }, shorter, left = { 0, 0 };
    struct call call;
    long result;

    if (clock_is_held()) {
        clock_nanosleeps(CALLER, &time, &left);
        return (unsigned int)left.tv_sec + (left.tv_nsec > 0);
    }
    call = trace_enter(OP_SLEEP, CALLER, -1, 0, (int64_t)seconds * 1000, 0, 0);
    if (trace_answers(&call, &result))
        return (unsigned int)trace_leave(&call, result);
    if (trace_shortened(&call, &time, &shorter) == &shorter)
        result = __real_nanosleep(&shorter, NULL);
    else
        result = __real_sleep(seconds);
    return (unsigned int)trace_leave(&call, result);
}

int __wrap_usleep(useconds_t microseconds)
{
    struct timespec time = { (time_t)(microseconds / 1000000),
                             (long)(microseconds % 1000000) * 1000 };
    struct call call;
    long result;

    if (clock_is_held())
        return clock_nanosleeps(CALLER, &time, NULL);
    call = trace_enter(OP_SLEEP, CALLER, -1, 0, microseconds / 1000, 0, 0);
    if (!trace_answers(&call, &result))
        result = __real_usleep((useconds_t)trace_limit(&call,
                                                       microseconds / 1000) *
                               1000 + microseconds % 1000);
    return (int)trace_leave(&call, result);
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    struct timespec shorter;
    struct call call;
    long result;

    if (clock_is_held())
        return clock_nanosleeps(CALLER, time, left);
    call = trace_enter(OP_SLEEP, CALLER, -1, 0, trace_milliseconds(time), 0, 0);
    if (!trace_answers(&call, &result))
        result = __real_nanosleep(trace_shortened(&call, time, &shorter), left);
    return (int)trace_leave(&call, result);
}

/* Returns an error number, not -1; an absolute time has no limit to record. */
int __wrap_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *time, struct timespec *left)
{
    int is_absolute = flags & TIMER_ABSTIME, held;
    struct timespec shorter;
    struct call call;
    long result;

    if (clock_sleeps_by(CALLER, clock, flags, time, left, &held))
        return held;
    call = trace_enter(OP_SLEEP, CALLER, -1, 0,
                       is_absolute ? 0 : trace_milliseconds(time), 0, 0);
    if (!trace_answers(&call, &result)) {
        if (!is_absolute)
            time = trace_shortened(&call, time, &shorter);
        result = __real_clock_nanosleep(clock, flags, time, left);
    } else if (result == -1) {
        result = errno;
    }
    return (int)trace_leave(&call, result);
}

int __wrap_pause(void)
{
    struct call call = trace_enter(OP_PAUSE, CALLER, -1, 0, -1, 0, 0);

    RETURN_TRACED(call, __real_pause());
}

int __wrap_sigsuspend(const sigset_t *mask)
{
    struct call call = trace_enter(OP_PAUSE, CALLER, -1, 0, -1, 0, 0);

    RETURN_TRACED(call, __real_sigsuspend(mask));
}

int __wrap_sigwait(const sigset_t *set, int *number)
{
    struct call call = trace_enter(OP_SIGWAIT, CALLER, -1, 0, -1, 0, 0);

    RETURN_TRACED(call, __real_sigwait(set, number));
}

int __wrap_sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    struct call call = trace_enter(OP_SIGWAIT, CALLER, -1, 0, -1, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        do
            result = __real_sigwaitinfo(set, info);
        while (trace_goes_on(&call, result));
    return (int)trace_leave(&call, result);
}

int __wrap_sigtimedwait(const sigset_t *set, siginfo_t *info,
                        const struct timespec *timeout)
{
    struct call call = trace_enter(OP_SIGWAIT, CALLER, -1, 0,
                                   trace_milliseconds(timeout), 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        do
            result = __real_sigtimedwait(set, info, timeout);
        while (trace_goes_on(&call, result));
    return (int)trace_leave(&call, result);
}
