/* A tapping relay: a process for each client, select(), and a log of stdio. */

#include "relay.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROOM 4096

/* What one end has said: bytes from start to stop are still to be passed on. */
struct end {
    int fd;
    char side;
    int heard_all, told_all;
    size_t start, stop;
    unsigned char data[ROOM];
};

static unsigned long number;
static FILE *file;

/* The line cannot be written, or all is over: the process is the client's own. */
static _Noreturn void finish(void)
{
    _exit(0);
}

static void written(void)
{
    if (putc('\n', file) == EOF || fflush(file) == EOF)
        finish();
}

static _Noreturn void broken(struct end *e)
{
    if (!e->heard_all) {
        fprintf(file, "%lu %c reset", number, e->side);
        written();
    }
    finish();
}

static void hear(struct end *e)
{
    ssize_t n = read(e->fd, e->data, sizeof e->data);

    if (n == -1 && errno == EINTR)
        return;
    if (n == -1)
        broken(e);
    if (n == 0) {
        e->heard_all = 1;
        fprintf(file, "%lu %c eof", number, e->side);
    } else {
        fprintf(file, "%lu %c %zd ", number, e->side, n);
        for (ssize_t i = 0; i < n; i++)
            fprintf(file, "%02x", e->data[i]);
    }
    written();
    e->start = 0;
    e->stop = (size_t)n;
}

static void tell(struct end *e, struct end *from)
{
    ssize_t n = send(e->fd, from->data + from->start, from->stop - from->start,
                     MSG_NOSIGNAL | MSG_DONTWAIT);

    if (n == -1) {
        if (errno != EAGAIN && errno != EINTR)
            broken(e);
        return;
    }
    from->start += (size_t)n;
}

static void finish_telling(struct end *e, struct end *from)
{
    if (from->heard_all && from->start == from->stop && !e->told_all) {
        e->told_all = 1;
        if (shutdown(e->fd, SHUT_WR) == -1)
            broken(e);
    }
}

static void relay(struct end *a, struct end *b)
{
    while (!a->told_all || !b->told_all) {
        fd_set in, out;

        FD_ZERO(&in);
        FD_ZERO(&out);
        if (!a->heard_all && a->start == a->stop)
            FD_SET(a->fd, &in);
        if (!b->heard_all && b->start == b->stop)
            FD_SET(b->fd, &in);
        if (a->start < a->stop)
            FD_SET(b->fd, &out);
        if (b->start < b->stop)
            FD_SET(a->fd, &out);
        if (select((a->fd > b->fd ? a->fd : b->fd) + 1, &in, &out, NULL, NULL) == -1) {
            if (errno == EINTR)
                continue;
            finish();
        }
        if (FD_ISSET(a->fd, &in))
            hear(a);
        if (FD_ISSET(b->fd, &in))
            hear(b);
        if (FD_ISSET(b->fd, &out))
            tell(b, a);
        if (FD_ISSET(a->fd, &out))
            tell(a, b);
        finish_telling(a, b);
        finish_telling(b, a);
    }
}

/* Wait for a connect() that a signal has interrupted. */
static int is_connected(int fd)
{
    struct pollfd p = { fd, POLLOUT, 0 };
    int error = 1;
    socklen_t size = sizeof error;

    while (poll(&p, 1, -1) == -1)
        if (errno != EINTR)
            return 0;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

static int dial(const struct addrinfo *list)
{
    const struct addrinfo *a;

    for (a = list; a != NULL; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

        if (fd == -1)
            continue;
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 ||
            (errno == EINTR && is_connected(fd)))
            return fd;
        close(fd);
    }
    return -1;
}

static void attend(int fd, const struct addrinfo *target)
{
    static struct end client = { .side = '>' }, other = { .side = '<' };

    client.fd = fd;
    other.fd = dial(target);
    if (other.fd != -1)
        relay(&client, &other);
    finish();
}

static int set_errno(int error)
{
    if (error != 0 && error != EAI_SYSTEM)
        errno = EADDRNOTAVAIL;
    return error;
}

static int open_port(const char *port)
{
    struct addrinfo hints, *own;
    int fd, on = 1, error;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    if (set_errno(getaddrinfo(NULL, port, &hints, &own)) != 0)
        return -1;
    fd = socket(own->ai_family, own->ai_socktype, own->ai_protocol);
    if (fd != -1)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (fd != -1 && (bind(fd, own->ai_addr, own->ai_addrlen) == -1 || listen(fd, 50) == -1)) {
        error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    error = errno;
    freeaddrinfo(own);
    errno = error;
    return fd;
}

/* Accept for ever.  Returns when accept() says that there is nothing to accept on. */
static void take_clients(int fd, const struct addrinfo *target)
{
    for (number = 1;;) {
        int client = accept(fd, NULL, NULL);

        if (client == -1) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
                return;
            usleep(5000);
            continue;
        }
        if (fork() == 0) {
            close(fd);
            attend(client, target);
        }
        close(client);
        number++;
    }
}

int serve(const char *port, const char *host, const char *service, const char *log)
{
    struct addrinfo hints, *target;
    int fd, error;

    signal(SIGCHLD, SIG_IGN);   /* nobody waits for the children */
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (set_errno(getaddrinfo(host, service, &hints, &target)) != 0)
        return -1;
    fd = open_port(port);
    if (fd != -1) {
        file = fopen(log, "a");
        if (file != NULL) {
            take_clients(fd, target);
            error = errno;
            fclose(file);
            errno = error;
        }
        error = errno;
        close(fd);
        errno = error;
    }
    error = errno;
    freeaddrinfo(target);
    errno = error;
    return -1;
}
