/*
 * Wrappers of the calls that move bytes of a descriptor.
 */
#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t __real_send(int, const void *, size_t, int);
ssize_t __real_write(int, const void *, size_t);
ssize_t __real_writev(int, const struct iovec *, int);
ssize_t __real_recv(int, void *, size_t, int);
ssize_t __real_read(int, void *, size_t);
ssize_t __real_readv(int, const struct iovec *, int);
ssize_t __real_splice(int, off64_t *, int, off64_t *, size_t, unsigned int);
ssize_t __real_sendfile(int, int, off_t *, size_t);

ssize_t __wrap_send(int fd, const void *data, size_t length, int flags)
{
    struct call call = trace_enter(OP_SEND, CALLER, fd, (int64_t)length, flags,
                                   (int64_t)(uintptr_t)data, 0);
    long result;

    trace_spare_non_blocking(&call, fd, flags, EAGAIN);
    if (trace_answers(&call, &result)) {
        streams_broken_pipe(result, flags);
    } else if (clock_lets(&call, fd, flags, POLLOUT, EAGAIN, &result)) {
        result = __real_send(fd, data, streams_allowed(&call, fd, length), flags);
        if (result > 0)
            trace_keep(&call, data, (size_t)result);
    }
    return trace_leave(&call, result);
}

/* Also what dprintf and a stream of fdopen come to. */
ssize_t trace_write(uintptr_t caller, int fd, const void *data, size_t length)
{
    struct call call;
    long result;

    if (!trace_is_socket(fd))
        return __real_write(fd, data, length);
    call = trace_enter(OP_WRITE, caller, fd, (int64_t)length, 0,
                       (int64_t)(uintptr_t)data, 0);
    trace_spare_non_blocking(&call, fd, 0, EAGAIN);
    if (trace_answers(&call, &result)) {
        streams_broken_pipe(result, 0);
    } else if (clock_lets(&call, fd, 0, POLLOUT, EAGAIN, &result)) {
        result = __real_write(fd, data, streams_allowed(&call, fd, length));
        if (result > 0)
            trace_keep(&call, data, (size_t)result);
    }
    return trace_leave(&call, result);
}

ssize_t __wrap_write(int fd, const void *data, size_t length)
{
    return trace_write(CALLER, fd, data, length);
}

ssize_t __wrap_writev(int fd, const struct iovec *parts, int count)
{
    size_t length = streams_total(parts, (size_t)count), limit;
    struct iovec copy[IOV_KEPT];
    struct call call;
    long result;

    if (!trace_is_socket(fd))
        return __real_writev(fd, parts, count);
    call = trace_enter(OP_WRITEV, CALLER, fd, (int64_t)length, 0, 0, 0);
    trace_spare_non_blocking(&call, fd, 0, EAGAIN);
    if (trace_answers(&call, &result)) {
        streams_broken_pipe(result, 0);
        return trace_leave(&call, result);
    }
    if (!clock_lets(&call, fd, 0, POLLOUT, EAGAIN, &result))
        return trace_leave(&call, result);
    limit = streams_allowed(&call, fd, length);
    if (limit < length) {
        count = (int)streams_shortened(copy, parts, (size_t)count, limit);
        parts = copy;
    }
    result = __real_writev(fd, parts, count);
    if (result > 0)
        streams_keep(&call, parts, (size_t)count, (size_t)result);
    return trace_leave(&call, result);
}

ssize_t __wrap_sendfile(int out, int in, off_t *offset, size_t length)
{
    struct call call = trace_enter(OP_SENDFILE, CALLER, out, (int64_t)length,
                                   0, 0, in);
    long result;

    trace_spare_non_blocking(&call, out, 0, EAGAIN);
    if (trace_answers(&call, &result))
        streams_broken_pipe(result, 0);
    else if (clock_lets(&call, out, 0, POLLOUT, EAGAIN, &result))
        result = __real_sendfile(out, in, offset,
                                 streams_allowed(&call, out, length));
    return trace_leave(&call, result);
}

ssize_t __wrap_recv(int fd, void *data, size_t length, int flags)
{
    struct call call = trace_enter(OP_RECV, CALLER, fd, (int64_t)length, flags,
                                   (int64_t)(uintptr_t)data, 0);
    long result;

    trace_spare_non_blocking(&call, fd, flags, EAGAIN);
    if (!trace_answers(&call, &result) &&
        clock_lets(&call, fd, flags, POLLIN, EAGAIN, &result)) {
        result = __real_recv(fd, data, streams_allowed(&call, fd, length), flags);
        streams_received(&call, data, result, length);
    }
    return trace_leave(&call, result);
}

/* Also what a stream of fdopen comes to. */
ssize_t trace_read(uintptr_t caller, int fd, void *data, size_t length)
{
    struct call call;
    long result;

    if (!trace_is_socket(fd))
        return __real_read(fd, data, length);
    call = trace_enter(OP_READ, caller, fd, (int64_t)length, 0,
                       (int64_t)(uintptr_t)data, 0);
    trace_spare_non_blocking(&call, fd, 0, EAGAIN);
    if (!trace_answers(&call, &result) &&
        clock_lets(&call, fd, 0, POLLIN, EAGAIN, &result)) {
        result = __real_read(fd, data, streams_allowed(&call, fd, length));
        streams_received(&call, data, result, length);
    }
    return trace_leave(&call, result);
}

ssize_t __wrap_read(int fd, void *data, size_t length)
{
    return trace_read(CALLER, fd, data, length);
}

ssize_t __wrap_readv(int fd, const struct iovec *parts, int count)
{
    size_t length = streams_total(parts, (size_t)count), limit;
    struct iovec copy[IOV_KEPT];
    struct call call;
    long result;

    if (!trace_is_socket(fd))
        return __real_readv(fd, parts, count);
    call = trace_enter(OP_READV, CALLER, fd, (int64_t)length, 0, 0, 0);
    trace_spare_non_blocking(&call, fd, 0, EAGAIN);
    if (trace_answers(&call, &result) ||
        !clock_lets(&call, fd, 0, POLLIN, EAGAIN, &result))
        return trace_leave(&call, result);
    limit = streams_allowed(&call, fd, length);
    if (limit < length) {
        count = (int)streams_shortened(copy, parts, (size_t)count, limit);
        parts = copy;
    }
    result = __real_readv(fd, parts, count);
    if (result > 0)
        streams_keep(&call, parts, (size_t)count, (size_t)result);
    return trace_leave(&call, result);
}

/* Between a socket and a pipe: a receive or a send, as the socket sees it. */
ssize_t __wrap_splice(int in, off64_t *in_offset, int out, off64_t *out_offset,
                      size_t length, unsigned int flags)
{
    int from_socket = trace_is_socket(in), fd = from_socket ? in : out;
    struct call call;
    long result;

    if (!from_socket && !trace_is_socket(out))
        return __real_splice(in, in_offset, out, out_offset, length, flags);
    call = trace_enter(from_socket ? OP_READ : OP_SENDFILE, CALLER, fd,
                       (int64_t)length, 0, 0, 0);
    trace_spare_non_blocking(&call, fd, 0, EAGAIN);
    if (trace_answers(&call, &result))
        streams_broken_pipe(result, from_socket ? MSG_NOSIGNAL : 0);
    else if (clock_lets(&call, fd, 0, from_socket ? POLLIN : POLLOUT, EAGAIN, &result))
        result = __real_splice(in, in_offset, out, out_offset,
                               streams_allowed(&call, fd, length), flags);
    return trace_leave(&call, result);
}
