/*
 * Wrappers of the calls that make, name, listen, connect and close sockets.
 * Each makes the call named after __real_ and leaves one record.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int __real_socket(int, int, int);
int __real_socketpair(int, int, int, int[2]);
int __real_bind(int, const struct sockaddr *, socklen_t);
int __real_listen(int, int);
int __real_accept(int, struct sockaddr *, socklen_t *);
int __real_accept4(int, struct sockaddr *, socklen_t *, int);
int __real_connect(int, const struct sockaddr *, socklen_t);
int __real_close(int);
int __real_shutdown(int, int);
int __real_setsockopt(int, int, int, const void *, socklen_t);
int __real_getsockopt(int, int, int, void *, socklen_t *);
int __real_getsockname(int, struct sockaddr *, socklen_t *);
int __real_getpeername(int, struct sockaddr *, socklen_t *);
int __real_dup(int);
int __real_dup2(int, int);
int __real_dup3(int, int, int);
int __real_fcntl(int, int, ...);
int __real_fcntl64(int, int, ...);
int __real_ioctl(int, unsigned long, ...);
pid_t __real_fork(void);
int __real_pause(void);
void __real__exit(int) __attribute__((noreturn));
void __real_exit(int) __attribute__((noreturn));

int __wrap_socket(int domain, int type, int protocol)
{
    struct call call = trace_enter(OP_SOCKET, CALLER, -1,
                                   domain, type, protocol, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_socket(domain, type, protocol);
    return (int)trace_leave(&call, result);
}

int __wrap_socketpair(int domain, int type, int protocol, int pair[2])
{
    struct call call = trace_enter(OP_SOCKETPAIR, CALLER, -1,
                                   domain, type, protocol, 0);
    long result;

    if (!trace_answers(&call, &result)) {
        result = __real_socketpair(domain, type, protocol, pair);
        if (result == 0)
            trace_keep(&call, pair, 2 * sizeof pair[0]);
    }
    return (int)trace_leave(&call, result);
}

int __wrap_bind(int fd, const struct sockaddr *address, socklen_t length)
{
    struct call call = trace_enter(OP_BIND, CALLER, fd, length, 0, 0, 0);
    long result;

    trace_keep(&call, address, length);
    if (!trace_answers(&call, &result))
        result = __real_bind(fd, address, length);
    return (int)trace_leave(&call, result);
}

/* A client that finds the backlog full tries again a second later, and no script
   can wait for that; the contracts leave its length open. */
enum { BACKLOG = 128 };

int __wrap_listen(int fd, int backlog)
{
    struct call call = trace_enter(OP_LISTEN, CALLER, fd, backlog, 0, 0, 0);
    int room = (int)trace_limit(&call, INT_MAX);
    long result;

    if (room != INT_MAX)        /* its connections inherit it: socket(7) */
        __real_setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    if (!trace_answers(&call, &result))
        result = __real_listen(fd, backlog < BACKLOG ? BACKLOG : backlog);
    if (result == 0)
        states_listens(fd);
    return (int)trace_leave(&call, result);
}

/* args: the length accept was given (-1: no address asked for), flags. */
static int traced_accept(int operation, uintptr_t caller, int fd,
                         struct sockaddr *address, socklen_t *length, int flags)
{
    struct call call = trace_enter(operation, caller, fd,
                                   length ? (int64_t)*length : -1, flags, 0, 0);
    struct sockaddr_storage unasked; /* the trace has it all the same */
    socklen_t size = sizeof unasked;
    long result;

    if (!address) {
        address = (struct sockaddr *)&unasked;
        length = &size;
    }
    if (!trace_answers(&call, &result) &&
        clock_lets(&call, fd, 0, POLLIN, EAGAIN, &result)) {
        result = __real_accept4(fd, address, length, flags);
        if (result != -1 && length)
            trace_keep(&call, address, *length);
    }
    return (int)trace_leave(&call, result);
}

int __wrap_accept(int fd, struct sockaddr *address, socklen_t *length)
{
    return traced_accept(OP_ACCEPT, CALLER, fd, address, length, 0);
}

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length,
                   int flags)
{
    return traced_accept(OP_ACCEPT4, CALLER, fd, address, length, flags);
}

/* An interrupted connect goes on in the background (connect(2), EINTR). */
static void connect_in_background(int fd, const struct sockaddr *address,
                                  socklen_t length)
{
    int flags = __real_fcntl(fd, F_GETFL);

    __real_fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    __real_connect(fd, address, length);
    __real_fcntl(fd, F_SETFL, flags);
    errno = EINTR;
}

/* A blocking connect on the held clock: begun in the background, awaited in
   slices, and its end told by a second call. */
static long connect_on_held_clock(struct call *call, int fd,
                                  const struct sockaddr *address,
                                  socklen_t length)
{
    int flags = __real_fcntl(fd, F_GETFL);
    long result;

    if (flags == -1 || flags & O_NONBLOCK)
        return __real_connect(fd, address, length);
    __real_fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    result = __real_connect(fd, address, length);
    __real_fcntl(fd, F_SETFL, flags);
    if (result == 0 || (errno != EINPROGRESS && errno != EALREADY))
        return result;
    if (clock_lets(call, fd, 0, POLLOUT, EINPROGRESS, &result))
        result = __real_connect(fd, address, length);
    return result;
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct call call = trace_enter(OP_CONNECT, CALLER, fd, length, 0, 0, 0);
    long result;

    trace_keep(&call, address, length);
    trace_spare_non_blocking(&call, fd, 0, EINTR);
    if (!trace_answers(&call, &result))
        result = clock_is_held()
                     ? connect_on_held_clock(&call, fd, address, length)
                     : __real_connect(fd, address, length);
    else if (result == -1 && errno == EINTR)
        connect_in_background(fd, address, length);
    return (int)trace_leave(&call, result);
}

int __wrap_close(int fd)
{
    struct call call = trace_enter(OP_CLOSE, CALLER, fd, 0, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_close(fd);
    else if (result == -1 && errno != EBADF) {
        int error = errno;

        __real_close(fd);       /* Linux closes it all the same */
        errno = error;
    }
    return (int)trace_leave(&call, result);
}

int __wrap_shutdown(int fd, int how)
{
    struct call call = trace_enter(OP_SHUTDOWN, CALLER, fd, how, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_shutdown(fd, how);
    return (int)trace_leave(&call, result);
}

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

int __wrap_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    struct call call = trace_enter(OP_GETSOCKNAME, CALLER, fd, 0, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result)) {
        result = __real_getsockname(fd, address, length);
        if (result == 0)
            trace_keep(&call, address, *length);
    }
    return (int)trace_leave(&call, result);
}

int __wrap_getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    struct call call = trace_enter(OP_GETPEERNAME, CALLER, fd, 0, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result)) {
        result = __real_getpeername(fd, address, length);
        if (result == 0)
            trace_keep(&call, address, *length);
    }
    return (int)trace_leave(&call, result);
}

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
