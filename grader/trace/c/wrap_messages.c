/*
 * Wrappers of the calls that send and receive messages: with an address, with
 * control messages, several at once.  A record keeps both, as the kernel has them.
 */
#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <sys/socket.h>
#include <time.h>

int __real_getsockopt(int, int, int, void *, socklen_t *);
int __real_nanosleep(const struct timespec *, struct timespec *);
ssize_t __real_sendto(int, const void *, size_t, int,
                      const struct sockaddr *, socklen_t);
ssize_t __real_sendmsg(int, const struct msghdr *, int);
ssize_t __real_recvfrom(int, void *, size_t, int,
                        struct sockaddr *, socklen_t *);
ssize_t __real_recvmsg(int, struct msghdr *, int);

/* --- sending -------------------------------------------------------------- */

static int option(int fd, int name)
{
    int value = -1;
    socklen_t size = sizeof value;

    __real_getsockopt(fd, SOL_SOCKET, name, &value, &size);
    return value;
}

struct attempt {
    int fd, flags;
    const struct msghdr *message;
    int is_made, error;
    long result;
};

static long attempt(void *what, const struct timespec *slice)
{
    struct attempt *a = what;

    a->result = __real_sendmsg(a->fd, a->message, a->flags | MSG_DONTWAIT);
    a->error = errno;
    a->is_made = a->result != -1 || errno != EAGAIN;
    if (a->is_made)
        return 1;
    return slice->tv_nsec ? __real_nanosleep(slice, NULL) : 0;
}

/* Send a message, on the held clock where the script holds it.  Whether the queue
   of a receiver of Unix datagrams has room shows only when one is sent to it:
   poll(2) knows that of a connected socket alone. */
static long send_message(struct call *call, int fd, const struct msghdr *message,
                         int flags)
{
    struct attempt a = { .fd = fd, .flags = flags, .message = message };
    int tries = clock_is_held() && option(fd, SO_DOMAIN) == AF_UNIX &&
                option(fd, SO_TYPE) != SOCK_STREAM;
    long result;

    if (!(tries ? clock_tries(call, fd, flags, attempt, &a, &result)
                : clock_lets(call, fd, flags, POLLOUT, EAGAIN, &result)))
        return result;
    if (!a.is_made)
        return __real_sendmsg(fd, message, flags);
    errno = a.error;
    return a.result;
}

static long traced_message(struct call *call, int fd, const struct msghdr *message,
                           size_t length, int flags)
{
    struct iovec copy[IOV_KEPT];
    struct msghdr shorter = *message;
    size_t limit;
    long result;

    if (message->msg_namelen <= sizeof(struct sockaddr_storage))
        trace_keep_address(call, message->msg_name, message->msg_namelen,
                           message->msg_namelen);
    trace_keep_control(call, message);
    trace_spare_non_blocking(call, fd, flags, EAGAIN);
    if (trace_answers(call, &result)) {
        streams_broken_pipe(result, flags);
        return trace_leave(call, result);
    }
    limit = streams_allowed(call, fd, length);
    if (limit < length) {
        shorter.msg_iov = copy;
        shorter.msg_iovlen = streams_shortened(copy, message->msg_iov,
                                               message->msg_iovlen, limit);
    }
    result = send_message(call, fd, &shorter, flags);
    if (result > 0)
        streams_keep(call, shorter.msg_iov, shorter.msg_iovlen, (size_t)result);
    return trace_leave(call, result);
}

ssize_t __wrap_sendto(int fd, const void *data, size_t length, int flags,
                      const struct sockaddr *to, socklen_t size)
{
    struct iovec part = { (void *)(uintptr_t)data, length };
    struct msghdr message = { .msg_name = (void *)(uintptr_t)to,
                              .msg_namelen = to ? size : 0,
                              .msg_iov = &part, .msg_iovlen = 1 };
    struct call call = trace_enter(OP_SENDTO, CALLER, fd, (int64_t)length,
                                   flags, (int64_t)(uintptr_t)data, size);

    return traced_message(&call, fd, &message, length, flags);
}

static ssize_t traced_sendmsg(uintptr_t caller, int fd,
                              const struct msghdr *message, int flags)
{
    size_t length = streams_total(message->msg_iov, message->msg_iovlen);
    struct call call = trace_enter(OP_SENDMSG, caller, fd, (int64_t)length,
                                   flags, 0, (int64_t)message->msg_controllen);

    return traced_message(&call, fd, message, length, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return traced_sendmsg(CALLER, fd, message, flags);
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

/* --- receiving ------------------------------------------------------------ */

ssize_t __wrap_recvfrom(int fd, void *data, size_t length, int flags,
                        struct sockaddr *from, socklen_t *size)
{
    struct call call = trace_enter(OP_RECVFROM, CALLER, fd, (int64_t)length,
                                   flags, (int64_t)(uintptr_t)data,
                                   from && size ? (int64_t)*size : -1);
    struct sockaddr_storage unasked; /* the trace has it all the same */
    socklen_t whole = sizeof unasked, room;
    long result;

    trace_spare_non_blocking(&call, fd, flags, EAGAIN);
    if (!from) {
        from = (struct sockaddr *)&unasked;
        size = &whole;
    }
    room = size ? *size : 0;
    if (!trace_answers(&call, &result) &&
        clock_lets(&call, fd, flags, POLLIN, EAGAIN, &result)) {
        result = __real_recvfrom(fd, data, streams_allowed(&call, fd, length),
                                 flags, from, size);
        streams_received(&call, data, result, length);
        if (result >= 0 && size)
            trace_keep_address(&call, from, *size, room);
    }
    return trace_leave(&call, result);
}

static long receive(struct call *call, int fd, struct msghdr *message, int flags)
{
    struct iovec copy[IOV_KEPT], *parts = message->msg_iov;
    size_t count = message->msg_iovlen, length = streams_total(parts, count);
    size_t limit = streams_allowed(call, fd, length);
    struct sockaddr_storage unasked;
    int is_unasked = !message->msg_name;
    socklen_t room;
    long result;

    if (limit < length) {
        message->msg_iovlen = streams_shortened(copy, parts, count, limit);
        message->msg_iov = copy;
    }
    if (is_unasked) {
        message->msg_name = &unasked;
        message->msg_namelen = sizeof unasked;
    }
    room = message->msg_namelen;
    result = __real_recvmsg(fd, message, flags);
    message->msg_iov = parts;
    message->msg_iovlen = count;
    if (result >= 0) {
        call->record->args[2] = message->msg_flags;
        if (count > 0)
            trace_poke(call, parts[0].iov_base,
                       (size_t)result < parts[0].iov_len ? (size_t)result
                                                         : parts[0].iov_len);
        streams_keep(call, parts, count, (size_t)result);
        trace_keep_address(call, message->msg_name, message->msg_namelen, room);
        trace_keep_control(call, message);
    }
    if (is_unasked) {
        message->msg_name = NULL;
        message->msg_namelen = 0;
    }
    return result;
}

static ssize_t traced_recvmsg(uintptr_t caller, int fd, struct msghdr *message,
                              int flags)
{
    size_t length = streams_total(message->msg_iov, message->msg_iovlen);
    struct call call = trace_enter(OP_RECVMSG, caller, fd, (int64_t)length,
                                   flags, 0, (int64_t)message->msg_controllen);
    long result;

    trace_spare_non_blocking(&call, fd, flags, EAGAIN);
    if (!trace_answers(&call, &result) &&
        clock_lets(&call, fd, flags, POLLIN, EAGAIN, &result))
        result = receive(&call, fd, message, flags);
    return trace_leave(&call, result);
}

ssize_t __wrap_recvmsg(int fd, struct msghdr *message, int flags)
{
    return traced_recvmsg(CALLER, fd, message, flags);
}

/* Like sendmmsg; the kernel looks at the time limit between two messages only. */
int __wrap_recvmmsg(int fd, struct mmsghdr *messages, unsigned int count,
                    int flags, struct timespec *limit)
{
    uint64_t end = clock_time();

    if (limit)
        end += (uint64_t)limit->tv_sec * NANOSECONDS + (uint64_t)limit->tv_nsec;
    for (unsigned int i = 0; i < count; i++) {
        ssize_t n = traced_recvmsg(CALLER, fd, &messages[i].msg_hdr,
                                   flags & ~MSG_WAITFORONE);

        if (n == -1)
            return i > 0 ? (int)i : -1;
        messages[i].msg_len = (unsigned int)n;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (limit && clock_time() >= end)
            return (int)i + 1;
    }
    return (int)count;
}
