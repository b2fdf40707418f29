/*
 * Wrappers of the waits for other threads that have a time limit.  On the held
 * clock they are made in slices of real time, and recorded as sleeps; nobody is
 * told of a notification that comes between two slices, so notifications are
 * counted, and whoever has waited across one is woken, as by chance (a wait may
 * always return too early).  A moment that is none goes to the real function,
 * which refuses it.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <threads.h>

int __real_clock_gettime(clockid_t, struct timespec *);
int __real_nanosleep(const struct timespec *, struct timespec *);
int __real_pthread_cond_timedwait(pthread_cond_t *, pthread_mutex_t *,
                                  const struct timespec *);
int __real_pthread_cond_clockwait(pthread_cond_t *, pthread_mutex_t *, clockid_t,
                                  const struct timespec *);
int __real_pthread_cond_signal(pthread_cond_t *);
int __real_pthread_cond_broadcast(pthread_cond_t *);
int __real_cnd_timedwait(cnd_t *, mtx_t *, const struct timespec *);
int __real_cnd_signal(cnd_t *);
int __real_cnd_broadcast(cnd_t *);
int __real_sem_timedwait(sem_t *, const struct timespec *);
int __real_sem_clockwait(sem_t *, clockid_t, const struct timespec *);

enum { COUNTERS = 251 };        /* conditions that share one wake each other */

static uint64_t notifications[COUNTERS];

static uint64_t *counter(const void *condition)
{
    return &notifications[(uintptr_t)condition / sizeof(void *) % COUNTERS];
}

static void count_one(const void *condition)
{
    __atomic_fetch_add(counter(condition), 1, __ATOMIC_SEQ_CST);
}

static uint64_t counted(const void *condition)
{
    return __atomic_load_n(counter(condition), __ATOMIC_SEQ_CST);
}

/* Whether a wait until that moment is one that the script's clock ends. */
static int is_held(const struct timespec *end)
{
    return clock_is_held() && end->tv_nsec >= 0 && end->tv_nsec < NANOSECONDS &&
           (uint64_t)end->tv_sec < NO_LIMIT / NANOSECONDS;
}

struct waited {
    void *condition, *mutex;
    uint64_t before;
    int error;
};

/* That moment of a clock that nobody holds. */
static struct timespec in(clockid_t id, const struct timespec *slice)
{
    struct timespec t;

    __real_clock_gettime(id, &t);
    t.tv_nsec += slice->tv_nsec;
    if (t.tv_nsec >= NANOSECONDS) {
        t.tv_nsec -= NANOSECONDS;
        t.tv_sec++;
    }
    return t;
}

static long look_at_condition(void *what, const struct timespec *slice)
{
    struct waited *w = what;
    struct timespec end = in(CLOCK_MONOTONIC, slice);

    if (slice->tv_nsec)
        w->error = __real_pthread_cond_clockwait(w->condition, w->mutex,
                                                 CLOCK_MONOTONIC, &end);
    return w->error != ETIMEDOUT || counted(w->condition) != w->before;
}

static long look_at_c11(void *what, const struct timespec *slice)
{
    struct waited *w = what;
    struct timespec end = in(CLOCK_REALTIME, slice);

    if (slice->tv_nsec) {
        w->error = __real_cnd_timedwait(w->condition, w->mutex, &end);
        if (w->error == thrd_timedout)
            w->error = ETIMEDOUT;
    }
    return w->error != ETIMEDOUT || counted(w->condition) != w->before;
}

static long look_at_semaphore(void *what, const struct timespec *slice)
{
    if (sem_trywait(what) == 0)
        return 1;
    if (slice->tv_nsec)
        __real_nanosleep(slice, NULL);
    return 0;
}

/* Wait on the held clock until that moment of it: what clock_wait() returns. */
static long waits(uintptr_t caller, const struct timespec *end, clock_look *look,
                  void *what)
{
    uint64_t now = clock_time(), limit;
    struct call call;
    long result;

    limit = (uint64_t)end->tv_sec * NANOSECONDS + (uint64_t)end->tv_nsec;
    if (limit > clock_offset())
        limit -= clock_offset();        /* only CLOCK_REALTIME is that far on */
    limit = limit > now ? limit - now : 0;
    call = trace_enter(OP_SLEEP, caller, -1, 0, (int64_t)(limit / 1000000), 0, 0);
    if (!trace_answers(&call, &result))
        result = clock_wait(&call, limit, look, what);
    return trace_leave(&call, result);
}

/* The error number of a wait for a condition. */
static int condition_waits(uintptr_t caller, void *condition, void *mutex,
                           const struct timespec *end, clock_look *look)
{
    struct waited w = { condition, mutex, counted(condition), ETIMEDOUT };
    int saved_errno = errno;
    long result = waits(caller, end, look, &w);

    errno = saved_errno;
    if (result == 0)
        return ETIMEDOUT;
    return w.error == ETIMEDOUT ? 0 : w.error;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition,
                                  pthread_mutex_t *mutex,
                                  const struct timespec *end)
{
    if (!is_held(end))
        return __real_pthread_cond_timedwait(condition, mutex, end);
    return condition_waits(CALLER, condition, mutex, end, look_at_condition);
}

int __wrap_pthread_cond_clockwait(pthread_cond_t *condition,
                                  pthread_mutex_t *mutex, clockid_t id,
                                  const struct timespec *end)
{
    if (!is_held(end))
        return __real_pthread_cond_clockwait(condition, mutex, id, end);
    return condition_waits(CALLER, condition, mutex, end, look_at_condition);
}

int __wrap_cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *end)
{
    int error;

    if (!is_held(end))
        return __real_cnd_timedwait(condition, mutex, end);
    error = condition_waits(CALLER, condition, mutex, end, look_at_c11);
    return error == ETIMEDOUT ? thrd_timedout : error;
}

static int semaphore_waits(uintptr_t caller, sem_t *semaphore,
                           const struct timespec *end)
{
    long result = waits(caller, end, look_at_semaphore, semaphore);

    if (result == 0)
        errno = ETIMEDOUT;
    return result > 0 ? 0 : -1;
}

int __wrap_sem_timedwait(sem_t *semaphore, const struct timespec *end)
{
    if (!is_held(end))
        return __real_sem_timedwait(semaphore, end);
    return semaphore_waits(CALLER, semaphore, end);
}

int __wrap_sem_clockwait(sem_t *semaphore, clockid_t id, const struct timespec *end)
{
    if (!is_held(end))
        return __real_sem_clockwait(semaphore, id, end);
    return semaphore_waits(CALLER, semaphore, end);
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
    count_one(condition);
    return __real_pthread_cond_signal(condition);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
    count_one(condition);
    return __real_pthread_cond_broadcast(condition);
}

int __wrap_cnd_signal(cnd_t *condition)
{
    count_one(condition);
    return __real_cnd_signal(condition);
}

int __wrap_cnd_broadcast(cnd_t *condition)
{
    count_one(condition);
    return __real_cnd_broadcast(condition);
}
