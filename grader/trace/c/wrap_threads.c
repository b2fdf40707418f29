/*
 * Wrappers of the calls that begin threads and let go of them.  A new thread
 * leaves a record of its own before it runs, which the plan may hold.  Records
 * hold the thread's pthread_t; of a creation also whether it is detached.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <threads.h>

int __real_pthread_create(pthread_t *, const pthread_attr_t *,
                          void *(*)(void *), void *);
int __real_pthread_join(pthread_t, void **);
int __real_pthread_tryjoin_np(pthread_t, void **);
int __real_pthread_detach(pthread_t);
int __real_thrd_create(thrd_t *, thrd_start_t, void *);
int __real_thrd_join(thrd_t, int *);
int __real_thrd_detach(thrd_t);

struct start {
    void *(*run)(void *);
    thrd_start_t run_c11;
    void *argument;
};

static struct start begin(void *memory)
{
    struct start start = *(struct start *)memory;
    struct call call = trace_enter(OP_THREAD_START, 0, -1,
                                   (int64_t)pthread_self(), 0, 0, 0);

    free(memory);
    trace_leave(&call, 0);
    return start;
}

static void *run(void *memory)
{
    struct start start = begin(memory);

    return start.run(start.argument);
}

static int run_c11(void *memory)
{
    struct start start = begin(memory);

    return start.run_c11(start.argument);
}

/* These calls return an error number; the trace has it as errno. */
static int leave(struct call *call, int error)
{
    errno = error;
    trace_leave(call, error ? -1 : 0);
    errno = call->saved_errno;
    return error;
}

static int injected(struct call *call, int *error)
{
    long result;

    if (!trace_answers(call, &result))
        return 0;
    *error = errno;
    return 1;
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*function)(void *), void *argument)
{
    int detached = PTHREAD_CREATE_JOINABLE, error;
    struct call call;
    struct start *start;

    if (attributes)
        pthread_attr_getdetachstate(attributes, &detached);
    call = trace_enter(OP_PTHREAD_CREATE, CALLER, -1, 0,
                       detached == PTHREAD_CREATE_DETACHED, 0, 0);
    if (injected(&call, &error))
        return leave(&call, error);
    start = malloc(sizeof *start);
    if (!start)
        return leave(&call, EAGAIN);
    *start = (struct start){ function, NULL, argument };
    error = __real_pthread_create(thread, attributes, run, start);
    if (error)
        free(start);
    else
        call.record->args[0] = (int64_t)*thread;
    return leave(&call, error);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    struct call call = trace_enter(OP_PTHREAD_JOIN, CALLER, -1,
                                   (int64_t)thread, 0, 0, 0);

    return leave(&call, __real_pthread_join(thread, result));
}

int __wrap_pthread_tryjoin_np(pthread_t thread, void **result)
{
    struct call call = trace_enter(OP_PTHREAD_JOIN, CALLER, -1,
                                   (int64_t)thread, 1, 0, 0);

    return leave(&call, __real_pthread_tryjoin_np(thread, result));
}

int __wrap_pthread_detach(pthread_t thread)
{
    struct call call = trace_enter(OP_PTHREAD_DETACH, CALLER, -1,
                                   (int64_t)thread, 0, 0, 0);

    return leave(&call, __real_pthread_detach(thread));
}

int __wrap_thrd_create(thrd_t *thread, thrd_start_t function, void *argument)
{
    struct call call = trace_enter(OP_PTHREAD_CREATE, CALLER, -1, 0, 0, 0, 0);
    struct start *start;
    int error, status;

    if (injected(&call, &error)) {
        leave(&call, error);
        return thrd_error;
    }
    start = malloc(sizeof *start);
    if (!start) {
        leave(&call, ENOMEM);
        return thrd_nomem;
    }
    *start = (struct start){ NULL, function, argument };
    status = __real_thrd_create(thread, run_c11, start);
    if (status != thrd_success)
        free(start);
    else
        call.record->args[0] = (int64_t)*thread;
    leave(&call, status == thrd_success ? 0 : EAGAIN);
    return status;
}

int __wrap_thrd_join(thrd_t thread, int *result)
{
    struct call call = trace_enter(OP_PTHREAD_JOIN, CALLER, -1,
                                   (int64_t)thread, 0, 0, 0);
    int status = __real_thrd_join(thread, result);

    leave(&call, status == thrd_success ? 0 : EINVAL);
    return status;
}

int __wrap_thrd_detach(thrd_t thread)
{
    struct call call = trace_enter(OP_PTHREAD_DETACH, CALLER, -1,
                                   (int64_t)thread, 0, 0, 0);
    int status = __real_thrd_detach(thread);

    leave(&call, status == thrd_success ? 0 : EINVAL);
    return status;
}
