/* A tapping relay: passes on what both sides say, and writes it down before. */

#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROOM (16 << 20)         /* more than anybody sends before somebody reads */

/* One of the two that talk: its connection, and what it has said. */
struct side {
    int fd;
    char arrow;                 /* of its lines */
    int has_ended;              /* it has said its last byte */
    int is_told;                /* that the other one has */
    int is_lost;
    size_t len;
    char held[ROOM];            /* said and written down, not passed on yet */
};

/* What a child has to do with: two sides, and the log of both. */
struct talk {
    unsigned long number;
    int log;
    struct side client, target;
    char line[2 * ROOM + 64];
};

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Look up a service of host, or of this machine if host is NULL.  Returns 0, or
   -1 with errno set. */
static int look_up(const char *host, const char *service, int family,
                   struct addrinfo **found)
{
    struct addrinfo hints;
    int error;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = host == NULL ? AI_PASSIVE : 0;
    error = getaddrinfo(host, service, &hints, found);
    if (error == 0)
        return 0;
    /* EAI_ codes are no errnos, except where they say so. */
    if (error != EAI_SYSTEM)
        errno = EINVAL;
    return -1;
}

/* Listen on port, on every IPv4 address of this machine.  Returns the listening
   socket, or -1 with errno set. */
static int listen_on(const char *port)
{
    struct addrinfo *candidates, *c;
    int listener = -1, error, on = 1;

    if (look_up(NULL, port, AF_INET, &candidates) == -1)
        return -1;
    for (c = candidates; c != NULL && listener == -1; c = c->ai_next) {
        listener = socket(c->ai_family, c->ai_socktype, c->ai_protocol);
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

/* Connect fd.  Returns 0, or -1 with errno set. */
static int connect_to(int fd, const struct addrinfo *a)
{
    struct pollfd asked = { fd, POLLOUT, 0 };
    int error = 0;
    socklen_t size = sizeof error;

    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
        return 0;
    if (errno != EINTR)
        return -1;
    while (poll(&asked, 1, -1) == -1)   /* it goes on in the background */
        if (errno != EINTR)
            return -1;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    errno = error;
    return error == 0 ? 0 : -1;
}

/* Connect to the first of these addresses that can be reached.  Returns the
   socket, or -1. */
static int reach(const struct addrinfo *a)
{
    for (; a != NULL; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

        if (fd == -1)
            continue;
        if (connect_to(fd, a) == 0)
            return fd;
        close(fd);
    }
    return -1;
}

/* Write a line of the log: what s has said.  No byte goes on before.  Returns 0,
   or -1 with errno set. */
static int note(struct talk *t, const struct side *s, const char *what,
                const char *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *line = t->line, *end = line;

    end += sprintf(end, "%lu %c %s", t->number, s->arrow, what);
    if (len > 0)
        end += sprintf(end, "%zu ", len);
    for (size_t i = 0; i < len; i++) {
        *end++ = digits[(unsigned char)data[i] >> 4];
        *end++ = digits[(unsigned char)data[i] & 15];
    }
    *end++ = '\n';
    while (line < end) {
        ssize_t n = write(t->log, line, (size_t)(end - line));

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            break;              /* it is only a log */
        line += n;
    }
    return 0;
}

/* The connection of s is broken: whatever has done it counts as a reset. */
static void lose(struct talk *t, struct side *s)
{
    s->is_lost = 1;
    if (!s->has_ended)
        note(t, s, "reset", NULL, 0);
}

/* Whether there is room for more of what s says. */
static int may_speak(const struct side *s)
{
    return !s->has_ended && s->len < ROOM;
}

/* Receive once from s.  Returns 0, or -1 if that cannot be written down. */
static int hear(struct talk *t, struct side *s)
{
    char *data = s->held + s->len;
    ssize_t n = recv(s->fd, data, ROOM - s->len, 0);

    if (n == -1) {
        if (errno != EAGAIN && errno != EINTR)
            lose(t, s);
        return 0;
    }
    s->len += (size_t)n;
    s->has_ended = n == 0;
    return n == 0 ? note(t, s, "eof", NULL, 0) : 0;
}

/* Send s what the other side has said, and that it was all, as far as that goes. */
static void tell(struct talk *t, struct side *s, struct side *other)
{
    if (other->len > 0) {
        ssize_t n = send(s->fd, other->held, other->len, 0);

        if (n == -1) {
            if (errno != EAGAIN && errno != EINTR)
                lose(t, s);
            return;             /* poll() will tell when there is room */
        }
        note(t, other, "", other->held, (size_t)n);
        other->len = 0;
    }
    if (other->has_ended && !s->is_told) {
        s->is_told = 1;
        if (shutdown(s->fd, SHUT_WR) == -1)
            lose(t, s);
    }
}

/* What to wait for at s. */
static struct pollfd asked_of(const struct side *s, const struct side *other)
{
    short events = s->arrow == '>' || other->has_ended ? POLLIN : 0;

    if (other->len > 0)
        events |= POLLOUT;
    return (struct pollfd){ events || !s->is_told ? s->fd : -1, events, 0 };
}

/* Do what s is ready for.  Returns 0, or -1 if it is over. */
static int attend(struct talk *t, struct side *s, struct side *other, int ready)
{
    if (may_speak(s) && (ready & ~POLLOUT)) {
        if (hear(t, s) == -1)
            return -1;
    } else if (ready & (POLLERR | POLLHUP)) {
        lose(t, s);
    }
    if (!s->is_lost)
        tell(t, other, s);
    return s->is_lost || other->is_lost ? -1 : 0;
}

/* Pass on both directions, until both have ended or a side is lost. */
static void relay(struct talk *t)
{
    struct side *client = &t->client, *target = &t->target;

    while (!client->is_told && !target->is_told) {
        struct pollfd asked[] = { asked_of(client, target),
                                  asked_of(target, client) };

        if (poll(asked, 2, -1) == -1) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (attend(t, client, target, asked[0].revents) == -1 ||
            attend(t, target, client, asked[1].revents) == -1)
            return;
    }
}

/* Make a side of fd, which no call waits for any more. */
static void begin(struct side *s, int fd, char arrow)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    s->fd = fd;
    s->arrow = arrow;
}

/* Let go of the children that have ended. */
static void reap(void)
{
    waitpid(-1, NULL, 0);
}

/* Accept a client, after whatever errors that pass.  Returns its connection, or
   -1 with errno set. */
static int next_client(int listener)
{
    const struct timespec moment = { 0, 10000000 };
    int fd;

    while ((fd = accept(listener, NULL, NULL)) == -1) {
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK ||
            errno == EFAULT)
            return -1;
        nanosleep(&moment, NULL);       /* descriptors may lack for a while */
    }
    return fd;
}

/* Relay each client to one of these addresses.  Returns -1 with errno set. */
static int serve_from(int listener, const struct addrinfo *addresses, int log)
{
    static struct talk t;       /* of a child: the parent leaves it as it is */
    int connection, target;

    t.log = log;
    for (t.number = 1;; t.number++) {
        connection = next_client(listener);
        if (connection == -1)
            return -1;
        if (fork() == 0) {
            close(listener);
            target = reach(addresses);
            if (target != -1) {
                begin(&t.client, connection, '>');
                begin(&t.target, target, '<');
                relay(&t);
            }
            _exit(0);
        }
        close(connection);      /* its child has it; without one it is lost */
        reap();
    }
}

int serve(const char *port, const char *host, const char *service,
          const char *log)
{
    struct addrinfo *addresses;
    int file, listener, error;

    if (look_up(host, service, AF_UNSPEC, &addresses) == -1)
        return -1;
    file = open(log, O_WRONLY | O_APPEND | O_CREAT, 0666);
    listener = file == -1 ? -1 : listen_on(port);
    if (listener != -1) {
        serve_from(listener, addresses, file);
        give_up(listener);
    }
    if (file != -1)
        give_up(file);
    error = errno;
    freeaddrinfo(addresses);
    errno = error;
    return -1;
}
