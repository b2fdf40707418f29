/*
 * Wrappers of the calls that copy descriptors, or change how they behave.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

int __real_dup(int);
int __real_dup2(int, int);
int __real_dup3(int, int, int);
int __real_fcntl(int, int, ...);
int __real_ioctl(int, unsigned long, ...);

int __wrap_dup(int fd)
{
    struct call call = trace_enter(OP_DUP, CALLER, fd, 0, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_dup(fd);
    return (int)trace_leave(&call, result);
}

int __wrap_dup2(int from, int to)
{
    struct call call = trace_enter(OP_DUP2, CALLER, from, to, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_dup2(from, to);
    return (int)trace_leave(&call, result);
}

int __wrap_dup3(int from, int to, int flags)
{
    struct call call = trace_enter(OP_DUP2, CALLER, from, to, flags, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_dup3(from, to, flags);
    return (int)trace_leave(&call, result);
}

static int traced_fcntl(uintptr_t caller, int fd, int command, long argument)
{
    struct call call = trace_enter(OP_FCNTL, caller, fd, command, argument,
                                   0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_fcntl(fd, command, argument);
    return (int)trace_leave(&call, result);
}

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
