#define _GNU_SOURCE
#include "streams.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

int __real_getsockopt(int, int, int, void *, socklen_t *);

size_t streams_allowed(const struct call *call, int fd, size_t length)
{
    size_t limit = trace_limit(call, length);
    int type = 0;
    socklen_t size = sizeof type;

    if (limit == length ||
        __real_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == -1)
        return length;
    return type == SOCK_STREAM ? limit : length;
}

void streams_broken_pipe(long result, int flags)
{
    if (result == -1 && errno == EPIPE && !(flags & MSG_NOSIGNAL)) {
        raise(SIGPIPE);
        errno = EPIPE;
    }
}

size_t streams_total(const struct iovec *parts, size_t count)
{
    size_t sum = 0;

    if (count > IOV_MAX)
        return 0;               /* was never set: the kernel refuses it */
    for (size_t i = 0; parts && i < count; i++)
        sum += parts[i].iov_len;
    return sum;
}

size_t streams_shortened(struct iovec *copy, const struct iovec *parts,
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

void streams_keep(struct call *call, const struct iovec *parts,
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

void streams_received(struct call *call, void *data, long result, size_t room)
{
    size_t length = (size_t)result < room ? (size_t)result : room;

    if (result <= 0)
        return;
    trace_poke(call, data, length);
    trace_keep(call, data, length);
}
