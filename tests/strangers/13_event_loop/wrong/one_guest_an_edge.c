/*
 * expect: fail
 * gap: other
 * cause: The listener is watched edge-triggered, but one connection is accepted for each event; others that came with it wait in the backlog until somebody else connects.
 * shows: Several clients connect at the same moment: some of them are not in the room.
 * says: which tells of arrivals once (EPOLLET)
 */
#define _GNU_SOURCE
#include "event_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST = 4096, MOST_WAITING = 64 * 1024 };

struct conn {
    struct conn *next;
    int fd, closing, mute;
    size_t in_len, out_len;
    char in[LONGEST + 1], out[MOST_WAITING];
};

static struct conn *all;

static int open_listener(const char *port)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, yes = 1, rc, error = EADDRNOTAVAIL;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = rc == EAI_MEMORY ? ENOMEM : EINVAL;
        return -1;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
            break;
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd == -1)
        errno = error;
    return fd;
}

static void watch(int ep, struct conn *c, int op)
{
    struct epoll_event ev = { .events = EPOLLIN | (c->out_len ? EPOLLOUT : 0), .data.ptr = c };

    if (epoll_ctl(ep, op, c->fd, &ev) == -1)
        c->closing = 1;
}

static void write_out(struct conn *c)
{
    size_t sent = 0;

    while (sent < c->out_len) {
        ssize_t n = send(c->fd, c->out + sent, c->out_len - sent, MSG_NOSIGNAL);

        if (n > 0) {
            sent += (size_t)n;
        } else if (n == -1 && errno == EINTR) {
            continue;
        } else {
            if (n == -1 && errno != EAGAIN) {
                c->mute = 1;
                sent = c->out_len;
            }
            break;
        }
    }
    memmove(c->out, c->out + sent, c->out_len - sent);
    c->out_len -= sent;
}

static void deliver(int ep, struct conn *to, const char *line, size_t len)
{
    size_t before = to->out_len;

    if (to->closing || to->mute)
        return;
    if (to->out_len + len > sizeof to->out)
        write_out(to);
    if (to->mute)
        return;
    if (to->out_len + len > sizeof to->out) {
        to->closing = 1;
        return;
    }
    memcpy(to->out + to->out_len, line, len);
    to->out_len += len;
    write_out(to);
    if ((before == 0) != (to->out_len == 0))
        watch(ep, to, EPOLL_CTL_MOD);
}

static void read_in(int ep, struct conn *c)
{
    ssize_t n = recv(c->fd, c->in + c->in_len, sizeof c->in - c->in_len, 0);
    size_t at = 0;

    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        c->closing = 1;
        return;
    }
    c->in_len += (size_t)n;
    for (size_t i = at; i < c->in_len; i++) {
        if (c->in[i] != '\n')
            continue;
        for (struct conn *o = all; o; o = o->next)
            if (o != c)
                deliver(ep, o, c->in + at, i + 1 - at);
        at = i + 1;
    }
    c->in_len -= at;
    memmove(c->in, c->in + at, c->in_len);
    if (c->in_len > LONGEST)
        c->closing = 1;
}

static void welcome(int ep, int fd)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c) {
        close(fd);
        return;
    }
    c->fd = fd;
    c->next = all;
    all = c;
    watch(ep, c, EPOLL_CTL_ADD);
}

static void bury(void)
{
    struct conn **p = &all;

    while (*p) {
        struct conn *c = *p;

        if (c->closing) {
            *p = c->next;
            close(c->fd);
            free(c);
        } else {
            p = &c->next;
        }
    }
}

int serve(const char *port)
{
    struct epoll_event ev = { .events = EPOLLIN | EPOLLET }, events[32];
    int listener = open_listener(port), listener_again = 0, ep = -1, error = 0, fd;

    if (listener == -1)
        return -1;
    all = NULL;
    if (fcntl(listener, F_SETFL, O_NONBLOCK) == -1)
        error = errno;
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (error == 0 && (ep == -1 || epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev) == -1))
        error = errno;
    while (!error) {
        int n = epoll_wait(ep, events, 32, listener_again ? 40 : -1);

        if (n == -1) {
            if (errno != EINTR)
                error = errno;
            continue;
        }
        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if (!c) {
                listener_again = 1;
                continue;
            }
            if (events[i].events & EPOLLOUT && !c->closing) {
                write_out(c);
                if (c->out_len == 0)
                    watch(ep, c, EPOLL_CTL_MOD);
            }
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR) && !c->closing)
                read_in(ep, c);
        }
        bury();
        if (!listener_again)
            continue;
        listener_again = 0;
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd != -1)
            welcome(ep, fd);
        else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            error = errno;
        else if (errno != EAGAIN)
            listener_again = 1; /* in a moment, without a new edge */
    }
    for (struct conn *c = all; c; c = c->next)
        c->closing = 1;
    bury();
    if (ep != -1)
        close(ep);
    close(listener);
    errno = error;
    return -1;
}
