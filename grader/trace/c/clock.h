/*
 * The held clock, as the wrappers use it: time that moves only by script.
 *
 * While it is held, every call that reads a clock is told the script's time,
 * and every call that may wait does so in short slices of real time, until
 * there is something to report or the script's time has come.  A wait that has
 * found nothing at its first look says so in its record, with the moment at
 * which it will give up: that is what the script waits for before it moves on.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <poll.h>
#include <stdint.h>
#include <time.h>

#include "trace.h"

enum { NANOSECONDS = 1000000000 };
#define NO_LIMIT UINT64_MAX     /* of a wait that has no time limit */

/* Whether the script holds the clock. */
int clock_is_held(void);

/* CLOCK_MONOTONIC in nanoseconds, the script's while the clock is held. */
uint64_t clock_time(void);

/* The same for the program, which may wait for it to change: on a held clock each
   reading is later than the one before. */
uint64_t clock_reading(void);

/* How far CLOCK_REALTIME is ahead of it. */
uint64_t clock_offset(void);

/* A look at what a call waits for, in so much real time; 0 if there is nothing
   yet, else the call's result with its errno. */
typedef long clock_look(void *what, const struct timespec *slice);

/* Look until there is a result, a signal came (-1, EINTR) or limit nanoseconds
   of the script's time have passed (0). */
long clock_wait(struct call *call, uint64_t limit, clock_look *look, void *what);

/* Wait until fd is ready for what a blocking call on it wants (POLLIN or
   POLLOUT), within the limit of its own (SO_RCVTIMEO, SO_SNDTIMEO), where the
   script holds the clock or the plan waits for that.  Returns whether the call is
   to be made; else *result is its answer and errno is set: to EINTR, to expired
   when the limit was reached, or as the plan says. */
int clock_lets(struct call *call, int fd, int flags, short events, int expired,
               long *result);

/* The same on the held clock, for a send whose readiness nothing tells but the
   attempt: it is made again and again, without blocking.  Returns 1 when it has
   come to something, or need not be waited for. */
int clock_tries(struct call *call, int fd, int flags, clock_look *attempt,
                void *what, long *result);

/* Set (0: unset) the moment at which the signal of ITIMER_REAL is due, and its
   period; returns the nanoseconds that the last one had left. */
uint64_t clock_alarm(uint64_t after, uint64_t period, uint64_t *old_period);

/* The same for a timerfd: at its moment it is made to expire in earnest. */
void clock_timer(int fd, uint64_t after);

/* Tell the judge of a timer on the clock that nobody holds: after (0: unset) so
   many nanoseconds it is due, and then each period. */
void clock_notes_timer(uint64_t after, uint64_t period);

/* nanosleep() on the held clock. */
int clock_nanosleeps(uintptr_t caller, const struct timespec *length,
                     struct timespec *left);

/* clock_nanosleep(), if the script holds that clock; returns whether it does. */
int clock_sleeps_by(uintptr_t caller, clockid_t id, int flags,
                    const struct timespec *time, struct timespec *left,
                    int *result);

#endif
