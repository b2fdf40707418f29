/*
 * Wrappers of the calls that make, copy and lock descriptors, or change how they
 * behave.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

int __real_dup(int);
int __real_dup2(int, int);
int __real_dup3(int, int, int);
int __real_pipe2(int[2], int);
int __real_flock(int, int);
int __real_lockf(int, int, off_t);
int __real_fcntl(int, int, ...);
int __real_ioctl(int, unsigned long, ...);

int __wrap_dup(int fd)
{
    struct call call = trace_enter(OP_DUP, CALLER, fd, 0, 0, 0, 0);

    RETURN_TRACED(call, __real_dup(fd));
}

int __wrap_dup2(int from, int to)
{
    struct call call = trace_enter(OP_DUP2, CALLER, from, to, 0, 0, 0);

    RETURN_TRACED(call, __real_dup2(from, to));
}

int __wrap_dup3(int from, int to, int flags)
{
    struct call call = trace_enter(OP_DUP2, CALLER, from, to, flags, 0, 0);

    RETURN_TRACED(call, __real_dup3(from, to, flags));
}

static int traced_pipe(uintptr_t caller, int ends[2], int flags)
{
    struct call call = trace_enter(OP_PIPE, caller, -1, flags, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result)) {
        result = __real_pipe2(ends, flags);
        if (result == 0)
            trace_keep(&call, ends, 2 * sizeof ends[0]);
    }
    return (int)trace_leave(&call, result);
}

int __wrap_pipe(int ends[2])
{
    return traced_pipe(CALLER, ends, 0);
}

int __wrap_pipe2(int ends[2], int flags)
{
    return traced_pipe(CALLER, ends, flags);
}

int __wrap_flock(int fd, int operation)
{
    struct call call = trace_enter(OP_FLOCK, CALLER, fd, operation, 0, 0, 0);

    RETURN_TRACED(call, __real_flock(fd, operation));
}

/* What a record has as the argument of fcntl: of a lock, its type. */
static int64_t told(int command, long argument)
{
    switch (command) {
    case F_SETLK:
    case F_SETLKW:
    case F_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
    case F_OFD_GETLK:
        return argument ? ((const struct flock *)argument)->l_type : 0;
    default:
        return argument;
    }
}

static int traced_fcntl(uintptr_t caller, int fd, int command, long argument)
{
    struct call call = trace_enter(OP_FCNTL, caller, fd, command,
                                   told(command, argument), 0, 0);

    RETURN_TRACED(call, __real_fcntl(fd, command, argument));
}

int __wrap_lockf(int fd, int command, off_t length)
{
    struct call call = trace_enter(OP_FCNTL, CALLER, fd,
                                   command == F_LOCK ? F_SETLKW : F_SETLK,
                                   command == F_ULOCK ? F_UNLCK : F_WRLCK, 0, 0);

    RETURN_TRACED(call, __real_lockf(fd, command, length));
}

int __wrap_lockf64(int, int, off64_t) __attribute__((alias("__wrap_lockf")));

/* The third argument of fcntl and ioctl is a long, a pointer or absent: on the
   platforms we trace, reading a long is right for all three. */
#define THIRD_ARGUMENT(last, argument)                                        \
    do {                                                                      \
        va_list ap;                                                           \
        va_start(ap, last);                                                   \
        argument = va_arg(ap, long);                                          \
        va_end(ap);                                                           \
    } while (0)

int __wrap_fcntl(int fd, int command, ...)
{
    long argument;

    THIRD_ARGUMENT(command, argument);
    return traced_fcntl(CALLER, fd, command, argument);
}

int __wrap_fcntl64(int fd, int command, ...)
{
    long argument;

    THIRD_ARGUMENT(command, argument);
    return traced_fcntl(CALLER, fd, command, argument);
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    struct call call;
    long argument, result;

    THIRD_ARGUMENT(request, argument);
    call = trace_enter(OP_IOCTL, CALLER, fd, (int64_t)request, argument, 0, 0);
    if (!trace_answers(&call, &result))
        result = __real_ioctl(fd, request, argument);
    return (int)trace_leave(&call, result);
}
