/*
 * The fault plan: which fault is meant for a call, and what it does to it.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int __real_kill(pid_t, int);

static struct fault *plan(void)
{
    return (struct fault *)(void *)(trace_memory() + TRACE_FAULTS);
}

static int is_of(const struct fault *f, int operation)
{
    return (int)(f->operations[operation / 64] >> operation % 64 & 1);
}

/* The socket option that a call asks for, as faults have it. */
static uint32_t option_of(const struct record *r)
{
    if (r->operation != OP_SETSOCKOPT && r->operation != OP_GETSOCKOPT)
        return 0;
    return 1u << 31 | (uint32_t)r->args[0] << 16 | (uint32_t)r->args[1];
}

/* Which states the plan's faults of a call ask for, all together. */
static uint32_t asked_states(int operation)
{
    struct fault *faults = plan();
    uint32_t n = *trace_field(TRACE_AT_FAULT_COUNT), asked = 0;

    for (uint32_t i = 0; i < n && i < TRACE_FAULT_LIMIT; i++)
        if (is_of(&faults[i], operation))
            asked |= faults[i].states;
    return asked;
}

/* The first fault of the plan that is meant for a call in its states, and asks
   for those that it must; the call counts for all that are. */
static struct fault *fault_for(const struct record *record, uint32_t must)
{
    struct fault *faults = plan();
    uint32_t option = option_of(record);
    uint32_t n = *trace_field(TRACE_AT_FAULT_COUNT);
    struct fault *chosen = NULL;

    for (uint32_t i = 0; i < n && i < TRACE_FAULT_LIMIT; i++) {
        struct fault *f = &faults[i];
        uint32_t nth;

        if (!is_of(f, record->operation) || f->states & ~record->states ||
            must & ~f->states || (f->option && f->option != option))
            continue;
        nth = __atomic_add_fetch(&f->count, 1, __ATOMIC_SEQ_CST);
        if (chosen || nth < f->first || nth > f->last ||
            (nth - f->first) % f->step != 0)
            continue;
        __atomic_add_fetch(&f->hits, 1, __ATOMIC_SEQ_CST);
        chosen = f;
    }
    return chosen;
}

void plan_consult(struct call *call, int operation, int fd, int64_t a, int64_t b)
{
    uint32_t *states = &call->record->states, asked;

    if (*trace_field(TRACE_AT_ARMED) == 0)
        return;
    asked = asked_states(operation);
    if (IS_ONE_OF(operation, GROUP_ACCEPT))
        asked |= STATE_READY;   /* the plan may change while it sleeps */
    if (asked || *trace_field(TRACE_AT_TELLS_STATES))
        *states = states_of(operation, fd, a, b);
    call->is_early = asked & STATE_READY && *states & STATE_BLOCKING &&
                     !(*states & STATE_READY);
    call->fault = fault_for(call->record, 0);
    if (call->fault)
        call->record->injected = (uint16_t)call->fault->kinds;
}

/* An error that says that the connection is gone makes it so: whoever else uses
   it, a thread that reads, hears of it too.  Of datagrams it concerns one, and
   accept() tells it of a connection that nobody has yet. */
static void break_connection(const struct record *record, int error)
{
    int saved = errno;

    if (record->operation == OP_CONNECT || record->operation == OP_ACCEPT ||
        record->operation == OP_ACCEPT4 ||
        states_of(record->operation, record->fd, 0, 0) & STATE_DATAGRAM)
        return;
    if (error == ECONNRESET || error == EPIPE || error == ETIMEDOUT ||
        error == EHOSTUNREACH)
        __real_syscall(SYS_shutdown, record->fd, SHUT_RDWR);
    errno = saved;
}

int trace_answers(struct call *call, long *result)
{
    struct fault *f = call->fault;
    int error;

    if (!f)
        return 0;
    error = f->error;
    if (f->kinds & TRACE_SIGNAL)
        __real_kill(getpid(), f->signal);      /* as from outside: for any thread */
    if (f->kinds & TRACE_ERROR) {
        break_connection(call->record, error);
        errno = error;
        *result = f->kinds & TRACE_RETVAL ? f->retval : -1;
        return 1;
    }
    if (f->kinds & TRACE_RETVAL) {
        errno = 0;
        *result = f->retval;
        return 1;
    }
    return 0;
}

int trace_is_ready(struct call *call, long *result)
{
    struct record *r = call->record;
    struct fault *fault;

    if (!call->is_early)
        return 1;
    call->is_early = 0;
    r->states |= STATE_READY;
    fault = fault_for(r, STATE_READY);
    if (!fault)
        return 1;
    call->fault = fault;
    r->injected = (uint16_t)fault->kinds;
    return !trace_answers(call, result);
}

void trace_spare_non_blocking(struct call *call, int fd, int flags, int error)
{
    if (!call->fault || call->fault->error != error)
        return;
    if (flags & MSG_DONTWAIT || __real_syscall(SYS_fcntl, fd, F_GETFL) & O_NONBLOCK) {
        call->fault = NULL;
        call->record->injected = 0;
    }
}

size_t trace_limit(const struct call *call, size_t length)
{
    struct fault *f = call->fault;

    if (f && f->kinds & TRACE_LIMIT) {
        if ((uint64_t)f->limit < length)
            return (size_t)f->limit;
        call->record->injected &= (uint16_t)~TRACE_LIMIT;   /* it changed nothing */
    }
    return length;
}

const struct timespec *trace_shortened(const struct call *call,
                                       const struct timespec *time,
                                       struct timespec *shorter)
{
    size_t asked = (size_t)trace_milliseconds(time);
    size_t allowed = trace_limit(call, asked);

    *shorter = (struct timespec){ (time_t)(allowed / 1000),
                                  (long)(allowed % 1000) * 1000000 };
    return allowed < asked ? shorter : time;
}

int trace_becomes(struct call *call, int error)
{
    struct fault *f = call->fault;

    if (!f || !(f->kinds & TRACE_BECOMES) || error != ECONNREFUSED)
        return error;
    call->has_become = 1;
    return f->error;
}

void trace_poke(const struct call *call, void *value, size_t length)
{
    struct fault *f = call->fault;

    if (f && f->kinds & TRACE_POKE)
        memcpy(value, f->poke,
               f->poke_length < length ? f->poke_length : length);
}
