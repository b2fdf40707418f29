/* A chat room around epoll, with one descriptor kept in reserve. */

#define _GNU_SOURCE
#include "event_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LINE = 4096, QUEUE = 65536, EVENTS = 16 };

struct guest {
    struct guest *prev, *next;
    int fd;
    bool gone, armed;
    size_t in, out;
    char line[LINE + 1];
    char queue[QUEUE];
};

struct place {
    int epoll, listener, reserve;
    struct guest guests;        /* head of a ring */
};

static int later(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static void flush(struct place *p, struct guest *g)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = g };
    size_t done = 0;

    while (done < g->out) {
        ssize_t n = send(g->fd, g->queue + done, g->out - done,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            g->gone = g->gone || !later();
            break;
        }
        done += (size_t)n;
    }
    memmove(g->queue, g->queue + done, g->out -= done);
    if (g->armed != (g->out > 0)) {
        event.events |= g->out > 0 ? EPOLLOUT : 0;
        g->armed = !g->armed;
        if (epoll_ctl(p->epoll, EPOLL_CTL_MOD, g->fd, &event) == -1)
            g->gone = true;
    }
}

static void pass_on(struct place *p, struct guest *from, size_t len)
{
    for (struct guest *g = p->guests.next; g != &p->guests; g = g->next) {
        if (g == from || g->gone)
            continue;
        if (g->out + len > QUEUE) {
            g->gone = true;
            continue;
        }
        memcpy(g->queue + g->out, from->line, len);
        g->out += len;
        flush(p, g);
    }
}

static void hear(struct place *p, struct guest *g)
{
    ssize_t n = recv(g->fd, g->line + g->in, sizeof g->line - g->in, MSG_DONTWAIT);
    char *end;

    if (n < 0 && later())
        return;
    if (n <= 0) {
        g->gone = true;
        return;
    }
    g->in += (size_t)n;
    while ((end = memchr(g->line, '\n', g->in)) != NULL) {
        size_t len = (size_t)(end + 1 - g->line);

        pass_on(p, g, len);
        memmove(g->line, end + 1, g->in -= len);
    }
    if (g->in > LINE)
        g->gone = true;
}

static bool final(int error)
{
    return error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT;
}

/* Returns false when the listening socket is of no use any more. */
static bool admit(struct place *p)
{
    struct epoll_event event = { .events = EPOLLIN };
    struct guest *g;
    int fd = accept(p->listener, NULL, NULL);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE) && p->reserve >= 0) {
        close(p->reserve);      /* let one in, to show it out again */
        fd = accept(p->listener, NULL, NULL);
        if (fd >= 0)
            close(fd);
        p->reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return true;
    }
    if (fd < 0)
        return !final(errno);
    g = calloc(1, sizeof *g);
    event.data.ptr = g;
    if (g == NULL || epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &event) == -1) {
        free(g);
        close(fd);
        return true;
    }
    g->fd = fd;
    g->next = &p->guests;
    g->prev = p->guests.prev;
    g->prev->next = g->next->prev = g;
    return true;
}

static void show_out(struct place *p, bool everybody)
{
    for (struct guest *g = p->guests.next, *next; g != &p->guests; g = next) {
        next = g->next;
        if (!g->gone && !everybody)
            continue;
        g->prev->next = g->next;
        g->next->prev = g->prev;
        close(g->fd);
        free(g);
    }
}

static bool loop(struct place *p)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(p->epoll, events, EVENTS, -1);

    if (n < 0)
        return errno == EINTR;
    for (int i = 0; i < n; i++) {
        struct guest *g = events[i].data.ptr;

        if (g == NULL) {
            if (!admit(p))
                return false;
            continue;
        }
        if (events[i].events & EPOLLOUT)
            flush(p, g);
        if (events[i].events & ~(unsigned)EPOLLOUT)
            hear(p, g);
    }
    show_out(p, false);
    return true;
}

static int listen_at(const char *port)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE }, *list;
    int fd, error = getaddrinfo(NULL, port, &hints, &list);

    if (error != 0) {
        if (error != EAI_SYSTEM)
            errno = EADDRNOTAVAIL;
        return -1;
    }
    fd = socket(list->ai_family, list->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) ||
         bind(fd, list->ai_addr, list->ai_addrlen) || listen(fd, SOMAXCONN))) {
        error = errno;
        close(fd);
        fd = -1;
        errno = error;
    }
    error = errno;
    freeaddrinfo(list);
    errno = error;
    return fd;
}

int serve(const char *port)
{
    struct place p = { .epoll = -1, .reserve = -1 };
    struct epoll_event event = { .events = EPOLLIN };
    int error;

    p.guests.next = p.guests.prev = &p.guests;
    p.listener = listen_at(port);
    if (p.listener < 0)
        return -1;
    p.epoll = epoll_create1(EPOLL_CLOEXEC);
    p.reserve = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (p.epoll >= 0 && epoll_ctl(p.epoll, EPOLL_CTL_ADD, p.listener, &event) == 0)
        while (loop(&p))
            ;
    error = errno;
    show_out(&p, true);
    if (p.epoll >= 0)
        close(p.epoll);
    if (p.reserve >= 0)
        close(p.reserve);
    close(p.listener);
    errno = error;
    return -1;
}
