/*
 * expect: fail
 * gap: missed-error
 * cause: POLLERR and POLLHUP are taken for the end of the reply before recv() has been asked: a reset passes for a short reply.
 * shows: The server resets the connection in the middle of its reply.
 */
#define _GNU_SOURCE
#include "tcp_client.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* 0, or the errno of this address */
static int try_one(const struct addrinfo *a, int *result)
{
    int s = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    int why = 0;

    if (s == -1)
        return errno;
    if (connect(s, a->ai_addr, a->ai_addrlen) == -1) {
        why = errno;
        if (why == EINPROGRESS || why == EINTR) {
            struct pollfd w = { s, POLLOUT, 0 };
            socklen_t size = sizeof why;
            int ready;

            do
                ready = poll(&w, 1, 200);
            while (ready == 0 || (ready == -1 && errno == EINTR));
            if (ready == -1 || getsockopt(s, SOL_SOCKET, SO_ERROR, &why, &size) == -1)
                why = errno;
        }
    }
    if (!why) {
        int flags = fcntl(s, F_GETFL);
        if (flags == -1 || fcntl(s, F_SETFL, flags & ~O_NONBLOCK) == -1)
            why = errno;
    }
    if (why)
        close(s);
    else
        *result = s;
    return why;
}

static int reach(const char *host, const char *port)
{
    struct addrinfo *all, want = { .ai_socktype = SOCK_STREAM };
    int s = -1, why = EADDRNOTAVAIL;
    int rc = getaddrinfo(host, port, &want, &all);

    if (rc) {
        errno = rc == EAI_SYSTEM ? errno : rc == EAI_MEMORY ? ENOMEM : ENOENT;
        return -1;
    }
    for (const struct addrinfo *a = all; a && why; a = a->ai_next)
        why = try_one(a, &s);
    freeaddrinfo(all);
    if (why)
        errno = why;
    return s;
}

ssize_t fetch(const char *host, const char *port, char *reply, size_t size)
{
    struct pollfd p = { .events = POLLIN };
    size_t have = 0;
    char surplus;
    int error = 0;

    if (!host || !port || (!reply && size)) {
        errno = EINVAL;
        return -1;
    }
    p.fd = reach(host, port);
    if (p.fd < 0)
        return -1;
    while (!error) {
        ssize_t n;

        if (poll(&p, 1, 1000) < 0) {
            if (errno != EINTR)
                error = errno;
            continue;
        }
        if (p.revents & (POLLERR | POLLHUP))
            break;
        if (!(p.revents & POLLIN))
            continue;
        n = have < size ? read(p.fd, reply + have, size - have) : read(p.fd, &surplus, 1);
        if (n == 0)
            break;
        if (n < 0)
            error = errno == EINTR ? 0 : errno;
        else if (have == size)
            error = EMSGSIZE;
        else
            have += (size_t)n;
    }
    close(p.fd);
    if (error) {
        errno = error;
        return -1;
    }
    return (ssize_t)have;
}
