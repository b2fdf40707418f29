/*
 * expect: fail
 * gap: other
 * cause: A new line is tried on the socket at once even while older ones wait in that client's queue: as soon as the kernel has a little room again it overtakes them, and may land in the middle of a line of which a part has been sent.
 * shows: A client that has fallen behind reads a little, and another one speaks before the queue is sent on: lines out of order or mixed up.
 * says: before the rest of another one
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

enum { MAX_LINE = 4096, MAX_QUEUE = 64 * 1024 };

int serve(const char *port);

struct user {
    int fd;                     /* -1: to be removed */
    size_t line_len, queue_len;
    char line[MAX_LINE + 1];
    char queue[MAX_QUEUE];
};

struct hall {
    struct user **user;
    struct pollfd *poll;        /* poll[0] is the listener, poll[i + 1] is user[i] */
    size_t count, room;
};

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
        fd = socket(p->ai_family, p->ai_socktype | SOCK_NONBLOCK, p->ai_protocol);
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

static void kick(struct user *u)
{
    if (u->fd != -1)
        close(u->fd);
    u->fd = -1;
}

static ssize_t try_send(struct user *u, const char *p, size_t n)
{
    ssize_t k;

    do
        k = send(u->fd, p, n, MSG_NOSIGNAL);
    while (k == -1 && errno == EINTR);
    if (k == -1) {
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            kick(u);
        k = 0;
    }
    return k;
}

static void flush_queue(struct user *u)
{
    ssize_t k = try_send(u, u->queue, u->queue_len);

    u->queue_len -= (size_t)k;
    memmove(u->queue, u->queue + k, u->queue_len);
}

static void tell(struct user *u, const char *text, size_t n)
{
    size_t k;

    if (u->fd == -1)
        return;
    k = (size_t)try_send(u, text, n);   /* what the kernel takes need not be queued */
    if (u->fd == -1)
        return;
    if (u->queue_len + (n - k) > MAX_QUEUE) {
        kick(u);
        return;
    }
    memcpy(u->queue + u->queue_len, text + k, n - k);
    u->queue_len += n - k;
}

static void listen_to(struct hall *h, struct user *u)
{
    char buf[8192];
    ssize_t n = recv(u->fd, buf, sizeof buf, 0), i;

    if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        kick(u);
        return;
    }
    for (i = 0; i < n; i++) {
        if (u->line_len == MAX_LINE && buf[i] != '\n') {
            kick(u);
            return;
        }
        u->line[u->line_len++] = buf[i];
        if (buf[i] == '\n') {
            for (size_t j = 0; j < h->count; j++)
                if (h->user[j] != u)
                    tell(h->user[j], u->line, u->line_len);
            u->line_len = 0;
        }
    }
}

static int more_room(struct hall *h)
{
    size_t room = h->room ? h->room * 2 : 8;
    struct user **user;
    struct pollfd *poll;

    if (h->count < h->room)
        return 0;
    user = realloc(h->user, room * sizeof *user);
    if (user == NULL)
        return -1;
    h->user = user;
    poll = realloc(h->poll, (room + 1) * sizeof *poll);
    if (poll == NULL)
        return -1;
    h->poll = poll;
    h->room = room;
    return 0;
}

static void let_in(struct hall *h, int fd)
{
    struct user *u = more_room(h) == 0 ? calloc(1, sizeof *u) : NULL;

    if (u == NULL) {
        close(fd);
        return;
    }
    u->fd = fd;
    h->user[h->count++] = u;
}

static void clear_out(struct hall *h)
{
    size_t i = 0;

    while (i < h->count) {
        if (h->user[i]->fd == -1) {
            free(h->user[i]);
            h->user[i] = h->user[--h->count];
        } else {
            i++;
        }
    }
}

int serve(const char *port)
{
    struct hall h = { NULL, NULL, 0, 0 };
    int why = 0, pause = 0, fd;
    size_t i, watched;
    int listener = open_port(port);

    if (listener == -1)
        return -1;
    if (more_room(&h) == -1)
        why = ENOMEM;
    while (!why) {
        h.poll[0] = (struct pollfd){ pause ? -1 : listener, POLLIN, 0 };
        for (i = 0; i < h.count; i++)
            h.poll[i + 1] = (struct pollfd){
                h.user[i]->fd, (short)(POLLIN | (h.user[i]->queue_len ? POLLOUT : 0)), 0 };
        watched = h.count;
        if (poll(h.poll, watched + 1, pause ? 20 : -1) == -1) {
            if (errno != EINTR)
                why = errno;
            continue;
        }
        pause = 0;
        for (i = 0; i < watched; i++) {
            short got = h.poll[i + 1].revents;
            struct user *u = h.user[i];

            if (u->fd != -1 && (got & POLLOUT))
                flush_queue(u);
            if (u->fd != -1 && (got & ~POLLOUT))
                listen_to(&h, u);
        }
        clear_out(&h);
        if (h.poll[0].revents == 0)
            continue;
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd != -1)
            let_in(&h, fd);
        else if (hopeless(errno))
            why = errno;
        else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR && errno != ECONNABORTED)
            pause = 1;
    }
    for (i = 0; i < h.count; i++)
        kick(h.user[i]);
    clear_out(&h);
    free(h.user);
    free(h.poll);
    close(listener);
    errno = why;
    return -1;
}
