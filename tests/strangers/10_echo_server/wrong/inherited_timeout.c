/*
 * expect: fail
 * gap: other
 * cause: SO_RCVTIMEO is set on the listening socket so that accept() looks up now and then, but accepted sockets inherit it on Linux: recv() fails with EAGAIN after the time, and that is taken for the client's end.
 * shows: A client that is silent for more than half a second between two sends is disconnected.
 * says: every accepted one inherits
 */
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

int serve(const char *port);

static int open_port(const char *port)
{
    struct addrinfo hints, *res, *p;
    int fd = -1, one = 1, rv, why = EADDRNOTAVAIL;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    if ((rv = getaddrinfo(NULL, port, &hints, &res)) != 0) {
        if (rv != EAI_SYSTEM)
            errno = rv == EAI_MEMORY ? ENOMEM : ENOENT;
        return -1;
    }
    for (p = res; p != NULL; p = p->ai_next) {
        fd = socket(p->ai_family, p->ai_socktype, p->ai_protocol);
        if (fd < 0) {
            why = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
            bind(fd, p->ai_addr, p->ai_addrlen) == 0 && listen(fd, 128) == 0)
            break;
        why = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(res);
    if (fd < 0)
        errno = why;
    return fd;
}

static int hopeless(int e)
{
    return e == EBADF || e == EINVAL || e == ENOTSOCK || e == EFAULT;
}

static int echo_once(int fd)
{
    char buf[2048];
    ssize_t got, put, n;

    do
        got = recv(fd, buf, sizeof buf, 0);
    while (got == -1 && errno == EINTR);
    if (got <= 0)
        return 0;
    for (put = 0; put < got; put += n) {
        n = send(fd, buf + put, (size_t)(got - put), MSG_NOSIGNAL);
        if (n == -1) {
            if (errno != EINTR)
                return 0;
            n = 0;
        }
    }
    return 1;
}

int serve(const char *port)
{
    const struct timeval half_a_second = { 0, 500000 };
    int lfd, cfd, saved;

    lfd = open_port(port);
    if (lfd == -1)
        return -1;
    /* accept() comes back at times; there may be housekeeping to do one day */
    if (setsockopt(lfd, SOL_SOCKET, SO_RCVTIMEO, &half_a_second, sizeof half_a_second) == -1)
        goto fail;
    for (;;) {
        cfd = accept(lfd, NULL, NULL);
        if (cfd == -1) {
            if (hopeless(errno))
                goto fail;
            if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK && errno != ECONNABORTED)
                nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
            continue;
        }
        while (echo_once(cfd))
            ;
        close(cfd);
    }
fail:
    saved = errno;
    close(lfd);
    errno = saved;
    return -1;
}
