/*
 * Wrappers of the calls that begin and end processes.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <unistd.h>

pid_t __real_fork(void);
int __real_pause(void);
void __real__exit(int) __attribute__((noreturn));
void __real_exit(int) __attribute__((noreturn));

/* A program that forks without end stands still at the script's limit, where
   the judge finds it: its processes would otherwise fill the machine. */
pid_t __wrap_fork(void)
{
    struct call call = trace_enter(OP_FORK, CALLER, -1, 0, 0, 0, 0);
    uint32_t *forks = trace_field(TRACE_AT_FORKS);
    long result;

    if (trace_answers(&call, &result))
        return (pid_t)trace_leave(&call, result);
    if (forks && __atomic_add_fetch(forks, 1, __ATOMIC_SEQ_CST) >
                     *trace_field(TRACE_AT_FORK_LIMIT))
        for (;;)
            __real_pause();
    result = __real_fork();
    return result == 0 ? 0 : (pid_t)trace_leave(&call, result);
}

void __wrap__exit(int status)
{
    trace_enter(OP_EXIT, CALLER, -1, status, 0, 0, 0);
    __real__exit(status);
}

void __wrap_exit(int status)
{
    trace_enter(OP_EXIT, CALLER, -1, status, 1, 0, 0);
    __real_exit(status);
}
