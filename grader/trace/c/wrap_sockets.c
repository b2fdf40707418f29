/*
 * Wrappers of the calls that make, name, listen, connect and close sockets.
 * Each makes the call named after __real_ and leaves one record.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
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
int __real_fcntl(int, int, ...);
int __real_nanosleep(const struct timespec *, struct timespec *);

int __wrap_socket(int domain, int type, int protocol)
{
    struct call call = trace_enter(OP_SOCKET, CALLER, -1,
                                   domain, type, protocol, 0);

    RETURN_TRACED(call, __real_socket(domain, type, protocol));
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

    trace_keep_address(&call, address, length, length);
    if (!trace_answers(&call, &result))
        result = __real_bind(fd, address, length);
    return (int)trace_leave(&call, result);
}

/* A client that finds the backlog full tries again a second later, and no script
   can wait for that; the contracts leave its length open. */
enum { BACKLOG = 128 };

static int send_buffer;         /* of the connections, where the plan limits it */

int __wrap_listen(int fd, int backlog)
{
    struct call call = trace_enter(OP_LISTEN, CALLER, fd, backlog, 0, 0, 0);
    int room = (int)trace_limit(&call, INT_MAX);
    long result;

    send_buffer = room != INT_MAX ? room : 0;
    if (send_buffer)            /* its connections inherit it: socket(7) */
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
    socklen_t size = sizeof unasked, room;
    long result;

    if (!address) {
        address = (struct sockaddr *)&unasked;
        length = &size;
    }
    room = length ? *length : 0;
    if (!trace_answers(&call, &result) &&
        clock_lets(&call, fd, 0, POLLIN, EAGAIN, &result)) {
        result = __real_accept4(fd, address, length, flags);
        if (result != -1 && send_buffer)    /* but for those of Unix */
            __real_setsockopt((int)result, SOL_SOCKET, SO_SNDBUF, &send_buffer,
                              sizeof send_buffer);
        if (result != -1 && length)
            trace_keep_address(&call, address, *length, room);
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

struct connecting {
    int fd, error;
    const struct sockaddr *address;
    socklen_t length;
};

/* Connect without blocking; -1 with errno, or 0. */
static int try_to_connect(int fd, const struct sockaddr *address, socklen_t length)
{
    int flags = __real_fcntl(fd, F_GETFL), result;

    __real_fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    result = __real_connect(fd, address, length);
    __real_fcntl(fd, F_SETFL, flags);
    return result;
}

/* Whether a Unix socket's backlog has room shows only when one connects. */
static long attempt(void *what, const struct timespec *slice)
{
    struct connecting *c = what;

    c->error = try_to_connect(c->fd, c->address, c->length) == 0 ? 0 : errno;
    if (c->error != EAGAIN)
        return 1;
    return slice->tv_nsec ? __real_nanosleep(slice, NULL) : 0;
}

/* A blocking connect on the held clock: begun in the background, awaited in
   slices, and its end told by a second call. */
static long connect_on_held_clock(struct call *call, int fd,
                                  const struct sockaddr *address,
                                  socklen_t length)
{
    struct connecting c = { fd, 0, address, length };
    int flags = __real_fcntl(fd, F_GETFL);
    long result;

    if (flags == -1 || flags & O_NONBLOCK)
        return __real_connect(fd, address, length);
    result = try_to_connect(fd, address, length);
    if (result == -1 && errno == EAGAIN) {
        if (!clock_tries(call, fd, 0, attempt, &c, &result))
            return result;
        errno = c.error;
        return c.error ? -1 : 0;
    }
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

    trace_keep_address(&call, address, length, length);
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

    RETURN_TRACED(call, __real_shutdown(fd, how));
}
