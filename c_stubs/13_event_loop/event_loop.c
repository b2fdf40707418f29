/* A chat room: one thread serves everybody, and nothing that it does can block. */

#define _GNU_SOURCE             /* accept4() */
#include "event_loop.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONGEST_LINE 4096

/* A connection, the line that is coming in on it, and what is to go out. */
struct client {
    struct client *next;
    int fd;
    int gone;
    size_t have, owed;          /* bytes of line and of queue */
    char line[LONGEST_LINE + 1];
    char *queue;
};

/* Everybody who is here, and what poll() is asked about them. */
struct room {
    struct client *first;
    size_t count;
    struct pollfd *asked;       /* the listening socket, then the clients */
};

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Listen on port, on every IPv4 address of this machine.  Returns the listening
   socket, or -1 with errno set. */
static int listen_on(const char *port)
{
    struct addrinfo hints, *candidates, *c;
    int listener = -1, error, on = 1;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;        /* addresses to accept on */
    error = getaddrinfo(NULL, port, &hints, &candidates);
    if (error != 0) {
        /* EAI_ codes are no errnos, except where they say so. */
        if (error != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (c = candidates; c != NULL && listener == -1; c = c->ai_next) {
        listener = socket(c->ai_family, c->ai_socktype | SOCK_NONBLOCK,
                          c->ai_protocol);
        if (listener == -1)
            continue;
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(listener, c->ai_addr, c->ai_addrlen) == -1 ||
            listen(listener, 100) == -1)
            listener = give_up(listener);
    }
    error = errno;
    freeaddrinfo(candidates);
    errno = error;
    return listener;
}

/* Send of what waits for c as much as the kernel takes.  poll() will tell when
   it takes more. */
static void flush(struct client *c)
{
    while (c->owed > 0 && !c->gone) {
        ssize_t n = send(c->fd, c->queue, c->owed, 0);

        if (n == -1) {
            if (errno != EINTR)
                c->gone = 1;
            return;
        }
        c->owed = 0;
    }
}

/* Send lines to c, as far as that goes; what is left over waits. */
static void tell(struct client *c, const char *lines, size_t len)
{
    char *queue = realloc(c->queue, c->owed + len);

    if (queue == NULL) {
        c->gone = 1;
        return;
    }
    c->queue = queue;
    memcpy(c->queue + c->owed, lines, len);
    c->owed += len;
    while (c->owed > 0 && !c->gone) {
        poll(&(struct pollfd){ c->fd, POLLOUT, 0 }, 1, -1);
        flush(c);
    }
}

/* Receive from c once, and pass on to all others the lines that are complete. */
static void hear(struct room *room, struct client *c)
{
    ssize_t n = recv(c->fd, c->line + c->have, sizeof c->line - c->have, 0);
    size_t end;

    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        return;
    c->have += (size_t)n;
    end = c->have;
    for (struct client *other = room->first; other != NULL; other = other->next)
        if (end > 0)
            tell(other, c->line, end);
    c->have -= end;
    memmove(c->line, c->line + end, c->have);
    if (c->have == sizeof c->line)
        c->have = 0;            /* full: begin again */
}

/* Accept a client.  Returns 0, or -1 if no client can come any more. */
static int admit(struct room *room, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct client *c;

    if (fd == -1)
        return errno == EBADF || errno == EINVAL || errno == ENOTSOCK ||
               errno == EFAULT ? -1 : 0;
    c = calloc(1, sizeof *c);
    if (c == NULL) {
        close(fd);
        return 0;
    }
    c->fd = fd;
    c->next = room->first;
    room->first = c;
    room->count++;
    return 0;
}

/* Close the connections of those who are gone. */
static void sweep(struct room *room)
{
    struct client **link = &room->first;

    while (*link != NULL) {
        struct client *c = *link;

        if (c->gone) {
            *link = c->next;
            room->count--;
            close(c->fd);
            free(c->queue);
            free(c);
        } else {
            link = &c->next;
        }
    }
}

/* Wait until somebody is ready.  Returns 0, or -1 with errno set. */
static int wait_in(struct room *room, int listener)
{
    struct pollfd *ask = realloc(room->asked, (room->count + 1) * sizeof *ask);
    struct client *c;
    int ready;

    if (ask == NULL)
        return -1;
    room->asked = ask;
    *ask++ = (struct pollfd){ listener, POLLIN, 0 };
    for (c = room->first; c != NULL; c = c->next)
        *ask++ = (struct pollfd){ c->fd, POLLIN | POLLOUT, 0 };
    ready = poll(room->asked, room->count + 1, -1);
    return ready == -1 ? -1 : 0;
}

int serve(const char *port)
{
    struct room room = { 0 };
    int listener = listen_on(port), error;
    struct client *c;

    if (listener == -1)
        return -1;
    while (wait_in(&room, listener) == 0) {
        struct pollfd *told = room.asked;

        for (c = room.first; c != NULL; c = c->next) {
            told++;
            if (told->revents & (POLLIN | POLLERR | POLLHUP))
                hear(&room, c);
            if (told->revents & POLLOUT)
                flush(c);
        }
        sweep(&room);
        if (room.asked->revents != 0 && admit(&room, listener) == -1)
            break;
    }
    error = errno;
    for (c = room.first; c != NULL; c = c->next)
        c->gone = 1;
    sweep(&room);
    free(room.asked);
    errno = error;
    return give_up(listener);
}
