/* A socket made non-blocking, select(), sendmsg() and read(). */

#include "half_close.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static int would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* 1 when everything has been sent and said so, 0 when there is more, -1. */
static int push(int fd, struct iovec *rest)
{
    struct msghdr message;
    ssize_t n = 0;

    if (rest->iov_len > 0) {
        memset(&message, 0, sizeof message);
        message.msg_iov = rest;
        message.msg_iovlen = 1;
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0)
            return would_block() ? 0 : -1;
        rest->iov_base = (char *)rest->iov_base + n;
        rest->iov_len -= (size_t)n;
    }
    if (rest->iov_len > 0)
        return 0;
    return shutdown(fd, SHUT_WR) == 0 ? 1 : -1;
}

/* 1 at end-of-file, 0 when there may be more, -1. */
static int pull(int fd, struct iovec *room, size_t *got)
{
    char spare[1];
    int full = *got == room->iov_len;
    ssize_t n = full ? read(fd, spare, 1)
                     : read(fd, (char *)room->iov_base + *got,
                            room->iov_len - *got);

    if (n < 0)
        return would_block() ? 0 : -1;
    if (n > 0 && full) {
        errno = EMSGSIZE;
        return -1;
    }
    *got += (size_t)n;
    return n == 0;
}

static ssize_t talk(int fd, struct iovec request, struct iovec reply)
{
    int sent = 0, received = 0;
    size_t got = 0;

    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == -1)
        return -1;
    while (!sent || !received) {
        fd_set readable, writable;

        FD_ZERO(&readable);
        FD_ZERO(&writable);
        if (!received)
            FD_SET(fd, &readable);
        if (!sent)
            FD_SET(fd, &writable);
        if (select(fd + 1, &readable, &writable, NULL, NULL) == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (FD_ISSET(fd, &writable) && (sent = push(fd, &request)) == -1)
            return -1;
        if (FD_ISSET(fd, &readable) && (received = pull(fd, &reply, &got)) < 0)
            return -1;
    }
    return (ssize_t)got;
}

static int connected(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (fd == -1)
        return -1;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return fd;
    if (errno == EINTR) {   /* it goes on by itself: wait for it, and ask */
        struct pollfd p = { fd, POLLOUT, 0 };
        int error = 0;
        socklen_t length = sizeof error;

        while (poll(&p, 1, -1) == -1 && errno == EINTR)
            continue;
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
        if (error == 0)
            return fd;
        errno = error;
    }
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

ssize_t ask(const char *host, const char *port, const void *request, size_t len,
            char *reply, size_t size)
{
    struct addrinfo hints, *all, *a;
    int fd = -1, code, error;
    ssize_t result;

    if ((request == NULL && len != 0) || (reply == NULL && size != 0)) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    code = getaddrinfo(host, port, &hints, &all);
    if (code != 0) {
        errno = code == EAI_SYSTEM ? errno : ENOENT;
        return -1;
    }
    for (a = all; a != NULL && fd == -1; a = a->ai_next)
        fd = connected(a);
    error = errno;
    freeaddrinfo(all);
    errno = error;
    if (fd == -1)
        return -1;
    result = talk(fd, (struct iovec){ (void *)(size_t)request, len },
                  (struct iovec){ reply, size });
    error = errno;
    close(fd);
    errno = error;
    return result;
}
