/*
 * expect: fail
 * gap: both-sides-send
 * cause: poll() says that there is room for something, and then a blocking send() is given the whole rest of the request: it waits for room for all of it, while the reply is not read.
 * shows: A server that answers as it reads, more than the buffers of both directions hold (8 MiB against small buffers, 16 MiB against the default ones): both sides wait in send().
 */
#include "half_close.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int finish_connect(int fd)
{
    struct pollfd p = { fd, POLLOUT, 0 };
    int error = 0;
    socklen_t n = sizeof error;

    while (poll(&p, 1, -1) < 0)
        if (errno != EINTR)
            return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
        return -1;
    errno = error;
    return error ? -1 : 0;
}

static int dial(const char *host, const char *port)
{
    struct addrinfo hints, *list, *a;
    int fd = -1, error = EADDRNOTAVAIL, rc;

    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = rc == EAI_MEMORY ? ENOMEM : EHOSTUNREACH;
        return -1;
    }
    for (a = list; a != NULL; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            break;
        if (errno == EINTR && finish_connect(fd) == 0)
            break;
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd < 0)
        errno = error;
    return fd;
}

struct talk {
    int fd;
    const char *request;
    size_t left;      /* of the request */
    char *reply;
    size_t size, got;
    int said, heard;  /* half-closed by us, by the server */
};

static int speak(struct talk *t)
{
    ssize_t n;

    if (t->left > 0) {
        n = send(t->fd, t->request, t->left, MSG_NOSIGNAL);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR ? 0 : -1;
        t->request += n;
        t->left -= (size_t)n;
    }
    if (t->left == 0) {
        if (shutdown(t->fd, SHUT_WR) < 0)
            return -1;
        t->said = 1;
    }
    return 0;
}

static int listen_to(struct talk *t)
{
    char surplus;
    int full = t->got == t->size;
    ssize_t n = recv(t->fd, full ? &surplus : t->reply + t->got, full ? 1 : t->size - t->got, MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0) {
        t->heard = 1;
    } else if (full) {
        errno = EMSGSIZE;
        return -1;
    } else {
        t->got += (size_t)n;
    }
    return 0;
}

static int converse(struct talk *t)
{
    while (!t->said || !t->heard) {
        struct pollfd p = { .fd = t->fd };

        if (!t->said)
            p.events |= POLLOUT;
        if (!t->heard)
            p.events |= POLLIN;
        if (poll(&p, 1, -1) < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (!t->heard && (p.revents & (POLLIN | POLLHUP | POLLERR)) && listen_to(t) < 0)
            return -1;
        if (!t->said && (p.revents & (POLLOUT | POLLHUP | POLLERR)) && speak(t) < 0)
            return -1;
    }
    return 0;
}

ssize_t ask(const char *host, const char *port, const void *request, size_t len, char *reply, size_t size)
{
    struct talk t = { .request = request, .left = len, .reply = reply, .size = size };
    int rc, kept;

    if (host == NULL || port == NULL || (request == NULL && len > 0) || (reply == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    t.fd = dial(host, port);
    if (t.fd < 0)
        return -1;
    rc = converse(&t);
    kept = errno;
    close(t.fd);
    errno = kept;
    return rc < 0 ? -1 : (ssize_t)t.got;
}
