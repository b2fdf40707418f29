/*
 * Wrappers of the calls that move bytes.
 *
 * A `limit` fault shortens what is asked for and makes the real call, so that
 * many bytes really move; datagrams are never cut.
 */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { IOV_KEPT = 64 };         /* parts of a shortened scatter/gather list */

int __real_getsockopt(int, int, int, void *, socklen_t *);
ssize_t __real_send(int, const void *, size_t, int);
ssize_t __real_sendto(int, const void *, size_t, int,
                      const struct sockaddr *, socklen_t);
ssize_t __real_sendmsg(int, const struct msghdr *, int);
ssize_t __real_write(int, const void *, size_t);
ssize_t __real_writev(int, const struct iovec *, int);
ssize_t __real_recv(int, void *, size_t, int);
ssize_t __real_recvfrom(int, void *, size_t, int,
                        struct sockaddr *, socklen_t *);
ssize_t __real_recvmsg(int, struct msghdr *, int);
ssize_t __real_read(int, void *, size_t);
ssize_t __real_readv(int, const struct iovec *, int);
ssize_t __real_splice(int, off64_t *, int, off64_t *, size_t, unsigned int);
ssize_t __real_sendfile(int, int, off_t *, size_t);

/* Streams only: a shortened datagram would be another datagram. */
static size_t allowed(const struct call *call, int fd, size_t length)
{
    size_t limit = trace_limit(call, length);
    int type = 0;
    socklen_t size = sizeof type;

    if (limit == length ||
        __real_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == -1)
        return length;
    return type == SOCK_STREAM ? limit : length;
}

/* What the kernel does with EPIPE: a signal, unless the call asked for none. */
static void broken_pipe(long result, int flags)
{
    if (result == -1 && errno == EPIPE && !(flags & MSG_NOSIGNAL)) {
        raise(SIGPIPE);
        errno = EPIPE;
    }
}

static size_t total(const struct iovec *parts, size_t count)
{
    size_t sum = 0;

    for (size_t i = 0; parts && i < count; i++)
        sum += parts[i].iov_len;
    return sum;
}

/* Copy parts until limit bytes are covered; returns how many were used. */
static size_t shortened(struct iovec *copy, const struct iovec *parts,
                        size_t count, size_t limit)
{
    size_t used = 0;

    while (used < count && used < IOV_KEPT && limit > 0) {
        copy[used] = parts[used];
        if (copy[used].iov_len > limit)
            copy[used].iov_len = limit;
        limit -= copy[used].iov_len;
        used++;
    }
    return used;
}

static void keep_parts(struct call *call, const struct iovec *parts,
                       size_t count, size_t limit)
{
    unsigned char kept[TRACE_PAYLOAD_SIZE];
    size_t have = 0;

    for (size_t i = 0; i < count && have < sizeof kept && limit > 0; i++) {
        size_t n = parts[i].iov_len;

        if (n > limit)
            n = limit;
        limit -= n;
        if (n > sizeof kept - have)
            n = sizeof kept - have;
        memcpy(kept + have, parts[i].iov_base, n);
        have += n;
    }
    trace_keep(call, kept, have);
}

ssize_t __wrap_send(int fd, const void *data, size_t length, int flags)
{
    struct call call = trace_enter(OP_SEND, CALLER, fd, (int64_t)length, flags,
                                   (int64_t)(uintptr_t)data, 0);
    long result;

    trace_spare_non_blocking(&call, fd, flags, EAGAIN);
    if (trace_answers(&call, &result)) {
        broken_pipe(result, flags);
    } else if (clock_lets(&call, fd, flags, POLLOUT, EAGAIN, &result)) {
        result = __real_send(fd, data, allowed(&call, fd, length), flags);
        if (result > 0)
            trace_keep(&call, data, (size_t)result);
    }
    return trace_leave(&call, result);
}

ssize_t __wrap_sendto(int fd, const void *data, size_t length, int flags,
                      const struct sockaddr *to, socklen_t size)
{
    struct call call = trace_enter(OP_SENDTO, CALLER, fd, (int64_t)length,
                                   flags, (int64_t)(uintptr_t)data, size);
    long result;

    trace_spare_non_blocking(&call, fd, flags, EAGAIN);
    if (trace_answers(&call, &result)) {
        broken_pipe(result, flags);
    } else if (clock_lets(&call, fd, flags, POLLOUT, EAGAIN, &result)) {
        result = __real_sendto(fd, data, allowed(&call, fd, length), flags,
                               to, size);
        if (result > 0)
            trace_keep(&call, data, (size_t)result);
    }
    return trace_leave(&call, result);
}

static ssize_t traced_sendmsg(uintptr_t caller, int fd,
                              const struct msghdr *message, int flags)
{
    size_t length = total(message->msg_iov, message->msg_iovlen);
    struct call call = trace_enter(OP_SENDMSG, caller, fd, (int64_t)length,
                                   flags, 0, 0);
    struct iovec copy[IOV_KEPT];
    struct msghdr shorter = *message;
    size_t limit;
    long result;

    trace_spare_non_blocking(&call, fd, flags, EAGAIN);
    if (trace_answers(&call, &result)) {
        broken_pipe(result, flags);
        return trace_leave(&call, result);
    }
    if (!clock_lets(&call, fd, flags, POLLOUT, EAGAIN, &result))
        return trace_leave(&call, result);
    limit = allowed(&call, fd, length);
    if (limit < length) {
        shorter.msg_iov = copy;
        shorter.msg_iovlen = shortened(copy, message->msg_iov,
                                       message->msg_iovlen, limit);
    }
    result = __real_sendmsg(fd, &shorter, flags);
    if (result > 0)
        keep_parts(&call, shorter.msg_iov, shorter.msg_iovlen, (size_t)result);
    return trace_leave(&call, result);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return traced_sendmsg(CALLER, fd, message, flags);
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
        broken_pipe(result, 0);
    } else if (clock_lets(&call, fd, 0, POLLOUT, EAGAIN, &result)) {
        result = __real_write(fd, data, allowed(&call, fd, length));
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
    size_t length = total(parts, (size_t)count), limit;
    struct iovec copy[IOV_KEPT];
    struct call call;
    long result;

    if (!trace_is_socket(fd))
        return __real_writev(fd, parts, count);
    call = trace_enter(OP_WRITEV, CALLER, fd, (int64_t)length, 0, 0, 0);
    trace_spare_non_blocking(&call, fd, 0, EAGAIN);
    if (trace_answers(&call, &result)) {
        broken_pipe(result, 0);
        return trace_leave(&call, result);
    }
    if (!clock_lets(&call, fd, 0, POLLOUT, EAGAIN, &result))
        return trace_leave(&call, result);
    limit = allowed(&call, fd, length);
    if (limit < length) {
        count = (int)shortened(copy, parts, (size_t)count, limit);
        parts = copy;
    }
    result = __real_writev(fd, parts, count);
    if (result > 0)
        keep_parts(&call, parts, (size_t)count, (size_t)result);
    return trace_leave(&call, result);
}

ssize_t __wrap_sendfile(int out, int in, off_t *offset, size_t length)
{
    struct call call = trace_enter(OP_SENDFILE, CALLER, out, (int64_t)length,
                                   0, 0, in);
    long result;

    if (trace_answers(&call, &result))
        broken_pipe(result, 0);
    else
        result = __real_sendfile(out, in, offset,
                                 allowed(&call, out, length));
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
        result = __real_recv(fd, data, allowed(&call, fd, length), flags);
        if (result > 0)
            trace_keep(&call, data, (size_t)result);
    }
    return trace_leave(&call, result);
}

ssize_t __wrap_recvfrom(int fd, void *data, size_t length, int flags,
                        struct sockaddr *from, socklen_t *size)
{
    struct call call = trace_enter(OP_RECVFROM, CALLER, fd, (int64_t)length,
                                   flags, (int64_t)(uintptr_t)data,
                                   size ? (int64_t)*size : -1);
    long result;

    trace_spare_non_blocking(&call, fd, flags, EAGAIN);
    if (!trace_answers(&call, &result) &&
        clock_lets(&call, fd, flags, POLLIN, EAGAIN, &result)) {
        result = __real_recvfrom(fd, data, allowed(&call, fd, length), flags,
                                 from, size);
        if (result > 0)
            trace_keep(&call, data, (size_t)result);
    }
    return trace_leave(&call, result);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    size_t length = total(message->msg_iov, message->msg_iovlen), limit;
    struct call call = trace_enter(OP_RECVMSG, CALLER, fd, (int64_t)length,
                                   flags, 0, 0);
    struct iovec copy[IOV_KEPT], *parts = message->msg_iov;
    size_t count = message->msg_iovlen;
    long result;

    trace_spare_non_blocking(&call, fd, flags, EAGAIN);
    if (trace_answers(&call, &result) ||
        !clock_lets(&call, fd, flags, POLLIN, EAGAIN, &result))
        return trace_leave(&call, result);
    limit = allowed(&call, fd, length);
    if (limit < length) {
        message->msg_iovlen = shortened(copy, parts, count, limit);
        message->msg_iov = copy;
    }
    result = __real_recvmsg(fd, message, flags);
    message->msg_iov = parts;
    message->msg_iovlen = count;
    if (result > 0)
        keep_parts(&call, parts, count, (size_t)result);
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
        result = __real_read(fd, data, allowed(&call, fd, length));
        if (result > 0)
            trace_keep(&call, data, (size_t)result);
    }
    return trace_leave(&call, result);
}

ssize_t __wrap_read(int fd, void *data, size_t length)
{
    return trace_read(CALLER, fd, data, length);
}

ssize_t __wrap_readv(int fd, const struct iovec *parts, int count)
{
    size_t length = total(parts, (size_t)count), limit;
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
    limit = allowed(&call, fd, length);
    if (limit < length) {
        count = (int)shortened(copy, parts, (size_t)count, limit);
        parts = copy;
    }
    result = __real_readv(fd, parts, count);
    if (result > 0)
        keep_parts(&call, parts, (size_t)count, (size_t)result);
    return trace_leave(&call, result);
}

/* A list of messages is so many single ones; it ends at the first that fails. */
int __wrap_sendmmsg(int fd, struct mmsghdr *messages, unsigned int count,
                    int flags)
{
    for (unsigned int i = 0; i < count; i++) {
        ssize_t n = traced_sendmsg(CALLER, fd, &messages[i].msg_hdr, flags);

        if (n == -1)
            return i > 0 ? (int)i : -1;
        messages[i].msg_len = (unsigned int)n;
    }
    return (int)count;
}

/* Between a socket and a pipe: a receive or a send, as the socket sees it. */
ssize_t __wrap_splice(int in, off64_t *in_offset, int out, off64_t *out_offset,
                      size_t length, unsigned int flags)
{
    int from_socket = trace_is_socket(in);
    struct call call;
    long result;

    if (!from_socket && !trace_is_socket(out))
        return __real_splice(in, in_offset, out, out_offset, length, flags);
    call = trace_enter(from_socket ? OP_READ : OP_SENDFILE, CALLER,
                       from_socket ? in : out, (int64_t)length, 0, 0, 0);
    if (trace_answers(&call, &result))
        broken_pipe(result, from_socket ? MSG_NOSIGNAL : 0);
    else
        result = __real_splice(in, in_offset, out, out_offset,
                               allowed(&call, from_socket ? in : out, length),
                               flags);
    return trace_leave(&call, result);
}
