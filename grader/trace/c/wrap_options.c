/*
 * Wrappers of the calls that ask a socket something, or set it: options and
 * names.  A record keeps the option's value, as the kernel has it.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

int __real_setsockopt(int, int, int, const void *, socklen_t);
int __real_getsockopt(int, int, int, void *, socklen_t *);
int __real_getsockname(int, struct sockaddr *, socklen_t *);
int __real_getpeername(int, struct sockaddr *, socklen_t *);

/* A time limit as its record has it, never 0 unless there is none. */
static int milliseconds(const struct timeval *limit)
{
    return (int)(limit->tv_sec * 1000 + (limit->tv_usec + 999) / 1000);
}

int __wrap_setsockopt(int fd, int level, int name, const void *value,
                      socklen_t length)
{
    int first = 0;
    struct call call;
    long result;

    if (value)
        memcpy(&first, value, length < sizeof first ? length : sizeof first);
    if (value && level == SOL_SOCKET && length == sizeof(struct timeval) &&
        (name == SO_RCVTIMEO || name == SO_SNDTIMEO))
        first = milliseconds(value);
    call = trace_enter(OP_SETSOCKOPT, CALLER, fd, level, name, first, length);
    trace_keep(&call, value, length);
    if (!trace_answers(&call, &result))
        result = __real_setsockopt(fd, level, name, value, length);
    return (int)trace_leave(&call, result);
}

/* SO_ERROR's value, as the plan has it. */
static void so_error_becomes(struct call *call, void *value, socklen_t length)
{
    int error = 0;

    if (length < sizeof error)
        return;
    memcpy(&error, value, sizeof error);
    error = trace_becomes(call, error);
    memcpy(value, &error, sizeof error);
}

int __wrap_getsockopt(int fd, int level, int name, void *value,
                      socklen_t *length)
{
    struct call call = trace_enter(OP_GETSOCKOPT, CALLER, fd, level, name,
                                   length ? (int64_t)*length : -1, 0);
    long result;

    if (!trace_answers(&call, &result)) {
        result = __real_getsockopt(fd, level, name, value, length);
        if (result == 0)
            trace_poke(&call, value, *length);
        if (result == 0 && level == SOL_SOCKET && name == SO_ERROR)
            so_error_becomes(&call, value, *length);
        if (result == 0)
            trace_keep(&call, value, *length);
    }
    return (int)trace_leave(&call, result);
}

/* What a socket, or its peer, is called. */
static long traced_name(int operation, uintptr_t caller, int fd,
                        struct sockaddr *address, socklen_t *length,
                        int (*real)(int, struct sockaddr *, socklen_t *))
{
    struct call call = trace_enter(operation, caller, fd,
                                   length ? (int64_t)*length : -1, 0, 0, 0);
    socklen_t room = length ? *length : 0;
    long result;

    if (!trace_answers(&call, &result)) {
        result = real(fd, address, length);
        if (result == 0) {
            trace_poke(&call, address, *length < room ? *length : room);
            trace_keep_address(&call, address, *length, room);
        }
    }
    return trace_leave(&call, result);
}

int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    return (int)traced_name(OP_GETSOCKNAME, CALLER, fd, address, length,
                            __real_getsockname);
}

int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    return (int)traced_name(OP_GETPEERNAME, CALLER, fd, address, length,
                            __real_getpeername);
}
