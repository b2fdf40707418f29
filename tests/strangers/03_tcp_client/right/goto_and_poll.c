/*
 * expect: pass
 * gap: none
 * cause: none
 * shows: never
 */
#define _GNU_SOURCE
#include "tcp_client.h"
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static void close_quietly(int fd)
{
    int saved = errno;
    close(fd);
    errno = saved;
}

static void set_gai_errno(int code)
{
    switch (code) {
    case EAI_SYSTEM:
        if (errno == 0)
            errno = EIO;
        break;
    case EAI_MEMORY:
        errno = ENOMEM;
        break;
    case EAI_AGAIN:
        errno = EAGAIN;
        break;
    default:
        errno = ENOENT;
    }
}

/* connect(), and if a signal comes in between: wait for how it ends. */
static int connect_through(int fd, const struct sockaddr *to, socklen_t length)
{
    if (connect(fd, to, length) == 0)
        return 0;
    if (errno != EINTR)
        return -1;

    struct pollfd wait = { .fd = fd, .events = POLLOUT };
    while (poll(&wait, 1, -1) < 0)
        if (errno != EINTR)
            return -1;

    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return -1;
    if (error != 0) {
        errno = error;
        return -1;
    }
    return 0;
}

static int dial(const char *host, const char *port)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    int fd = -1;

    int code = getaddrinfo(host, port, &hints, &list);
    if (code != 0) {
        set_gai_errno(code);
        return -1;
    }
    errno = EADDRNOTAVAIL;
    for (const struct addrinfo *at = list; at != NULL; at = at->ai_next) {
        fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
        if (fd < 0)
            continue;
        if (connect_through(fd, at->ai_addr, at->ai_addrlen) == 0)
            break;
        close_quietly(fd);
        fd = -1;
    }
    int saved = errno;
    freeaddrinfo(list);
    errno = saved;
    return fd;
}

ssize_t fetch(const char *host, const char *port, char *reply, size_t size)
{
    ssize_t result = -1;
    size_t have = 0;

    if (host == NULL || port == NULL || (reply == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }

    int fd = dial(host, port);
    if (fd < 0)
        return -1;

    for (;;) {
        char surplus;
        int full = have == size;
        ssize_t got = full ? recv(fd, &surplus, 1, 0) : recv(fd, reply + have, size - have, 0);
        if (got == 0) {
            result = (ssize_t)have;
            goto done;
        }
        if (got < 0) {
            if (errno == EINTR)
                continue;
            goto done;
        }
        if (full) {
            errno = EMSGSIZE;
            goto done;
        }
        have += (size_t)got;
    }
done:
    close_quietly(fd);
    return result;
}
