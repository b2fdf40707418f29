/* specimen: 13_event_loop c wrong
 * expect: fail
 * gap: other
 * cause: EPOLLRDHUP is taken for the end of a client before what it has sent is read: its last lines are lost.
 * shows: A client that sends a line and closes at once.
 * says: the client's end; what the client has sent before it is never received
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

#define LONGEST 4096
#define WAITING 65536

struct guest {
    int fd;
    int gone;
    uint32_t wants;
    size_t have;            /* of the line that is coming in */
    size_t queued;          /* of what is to go out */
    struct guest *next;
    char line[LONGEST + 1];
    char queue[WAITING];
};

static struct guest *room;

static int open_door(const char *port)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, on = 1, rc, error = 0;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (ai = list; ai; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK, ai->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 128) == 0)
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

static ssize_t push(int fd, const char *bytes, size_t count)
{
    ssize_t n;

    do
        n = send(fd, bytes, count, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    return n;
}

static void tell(struct guest *g, const char *line, size_t length)
{
    if (g->gone)
        return;
    if (g->queued == 0) {
        ssize_t n = push(g->fd, line, length);
        if (n == -1) {
            g->gone = 1;
            return;
        }
        line += n;
        length -= (size_t)n;
    }
    if (length > WAITING - g->queued) {
        g->gone = 1;
        return;
    }
    memcpy(g->queue + g->queued, line, length);
    g->queued += length;
}

static void flush(struct guest *g)
{
    ssize_t n = push(g->fd, g->queue, g->queued);

    if (n == -1) {
        g->gone = 1;
        return;
    }
    g->queued -= (size_t)n;
    memmove(g->queue, g->queue + n, g->queued);
}

static void hear(struct guest *g)
{
    char bytes[8192];
    ssize_t n, i;

    do
        n = recv(g->fd, bytes, sizeof bytes, 0);
    while (n == -1 && errno == EINTR);
    if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n <= 0) {
        g->gone = 1;
        return;
    }
    for (i = 0; i < n; i++) {
        if (bytes[i] != '\n' && g->have == LONGEST) {
            g->gone = 1;
            return;
        }
        g->line[g->have++] = bytes[i];
        if (bytes[i] == '\n') {
            for (struct guest *other = room; other; other = other->next)
                if (other != g)
                    tell(other, g->line, g->have);
            g->have = 0;
        }
    }
}

static void admit(int epfd, int fd)
{
    struct guest *g = calloc(1, sizeof *g);
    struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP };

    if (g) {
        g->fd = fd;
        g->wants = ev.events;
        ev.data.ptr = g;
        if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) == 0) {
            g->next = room;
            room = g;
            return;
        }
        free(g);
    }
    close(fd);
}

static void tidy(int epfd)
{
    struct guest **link = &room, *g;

    while ((g = *link) != NULL) {
        uint32_t wants = EPOLLIN | EPOLLRDHUP | (g->queued > 0 ? EPOLLOUT : 0);
        if (!g->gone && wants != g->wants) {
            struct epoll_event ev = { .events = wants, .data.ptr = g };
            if (epoll_ctl(epfd, EPOLL_CTL_MOD, g->fd, &ev) == -1)
                g->gone = 1;
            g->wants = wants;
        }
        if (g->gone) {
            *link = g->next;
            close(g->fd);
            free(g);
        } else {
            link = &g->next;
        }
    }
}

static int hear_the_door(int epfd, int door, int op, uint32_t events)
{
    struct epoll_event ev = { .events = events, .data.ptr = NULL };

    return epoll_ctl(epfd, op, door, &ev);
}

int serve(const char *port)
{
    struct epoll_event events[64];
    int door, epfd, deaf = 0, error;

    room = NULL;
    door = open_door(port);
    if (door == -1)
        return -1;
    epfd = epoll_create1(0);
    if (epfd == -1) {
        error = errno;
        close(door);
        errno = error;
        return -1;
    }
    error = 0;
    if (hear_the_door(epfd, door, EPOLL_CTL_ADD, EPOLLIN) == -1)
        error = errno;

    while (!error) {
        int n = epoll_wait(epfd, events, 64, deaf ? 20 : -1);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1) {
            error = errno;
            break;
        }
        if (deaf) {
            deaf = 0;
            if (hear_the_door(epfd, door, EPOLL_CTL_MOD, EPOLLIN) == -1) {
                error = errno;
                break;
            }
        }
        for (int i = 0; i < n && !error; i++) {
            struct guest *g = events[i].data.ptr;
            if (g == NULL) {
                int fd = accept4(door, NULL, NULL, SOCK_NONBLOCK);
                if (fd != -1) {
                    admit(epfd, fd);
                    continue;
                }
                switch (errno) {
                case EBADF: case EINVAL: case ENOTSOCK: case EFAULT:
                    error = errno;
                    break;
                case EAGAIN: case EINTR: case ECONNABORTED:
                    break;
                default:
                    deaf = 1;
                    if (hear_the_door(epfd, door, EPOLL_CTL_MOD, 0) == -1)
                        error = errno;
                }
                continue;
            }
            if (events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                g->gone = 1;
            if (g->gone)
                continue;
            if (events[i].events & EPOLLOUT)
                flush(g);
            if (!g->gone && (events[i].events & EPOLLIN))
                hear(g);
        }
        tidy(epfd);
    }
    for (struct guest *g = room; g; g = g->next)
        g->gone = 1;
    tidy(epfd);
    close(epfd);
    close(door);
    errno = error;
    return -1;
}
