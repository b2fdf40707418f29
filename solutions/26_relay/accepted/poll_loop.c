/* A tapping relay in one thread, which waits for everybody in one poll(). */

#define _GNU_SOURCE             /* accept4() */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CLIENT, TARGET };

/* Bytes of one direction, a ring. */
struct ring {
    size_t first, count;
    char bytes[65536];
};

struct talk {
    struct talk *next;
    unsigned long number;
    const struct addrinfo *trying;      /* NULL when it is connected */
    int fd[2];
    int ended[2], told[2];
    int is_over;
    struct ring said[2];
};

struct relay {
    int listener, log;
    const struct addrinfo *target;
    unsigned long accepted;
    struct talk *talks;
    size_t count;
    struct pollfd *asked;
};

static int append(int log, const char *line, size_t len)
{
    while (len > 0) {
        ssize_t n = write(log, line, len);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        line += n;
        len -= (size_t)n;
    }
    return 0;
}

static int tap(struct relay *r, struct talk *t, int side, const char *bytes, size_t len,
               const char *end)
{
    char *line = malloc(len * 2 + 64);
    int at, result;

    if (line == NULL)
        return -1;
    at = sprintf(line, "%lu %c ", t->number, side == CLIENT ? '>' : '<');
    if (end != NULL)
        at += sprintf(line + at, "%s", end);
    else
        at += sprintf(line + at, "%zu ", len);
    for (size_t i = 0; end == NULL && i < len; i++)
        at += sprintf(line + at, "%02x", bytes[i] & 0xff);
    line[at++] = '\n';
    result = append(r->log, line, (size_t)at);
    free(line);
    return result;
}

static void lose(struct relay *r, struct talk *t, int side)
{
    if (!t->is_over && !t->ended[side])
        tap(r, t, side, NULL, 0, "reset");
    t->is_over = 1;
}

/* Receive into the free end of the ring. */
static void hear(struct relay *r, struct talk *t, int side)
{
    struct ring *ring = &t->said[side];
    size_t at = (ring->first + ring->count) % sizeof ring->bytes;
    size_t room = sizeof ring->bytes - ring->count;
    ssize_t n;

    if (room > sizeof ring->bytes - at)
        room = sizeof ring->bytes - at;
    n = recv(t->fd[side], ring->bytes + at, room, 0);
    if (n == -1) {
        if (errno != EAGAIN && errno != EINTR)
            lose(r, t, side);
        return;
    }
    if (n == 0)
        t->ended[side] = 1;
    if (tap(r, t, side, ring->bytes + at, (size_t)n, n == 0 ? "eof" : NULL) == -1)
        t->is_over = 1;
    ring->count += (size_t)n;
}

static void tell(struct relay *r, struct talk *t, int side)
{
    struct ring *ring = &t->said[!side];

    if (t->is_over)
        return;
    if (ring->count > 0) {
        size_t tail = sizeof ring->bytes - ring->first;
        size_t len = ring->count < tail ? ring->count : tail;
        struct iovec parts[] = {
            { ring->bytes + ring->first, len },
            { ring->bytes, ring->count - len },
        };
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
        ssize_t n = sendmsg(t->fd[side], &message, MSG_NOSIGNAL);

        if (n == -1) {
            if (errno != EAGAIN && errno != EINTR)
                lose(r, t, side);
            return;
        }
        ring->first = (ring->first + (size_t)n) % sizeof ring->bytes;
        ring->count -= (size_t)n;
    }
    if (ring->count == 0 && t->ended[!side] && !t->told[side]) {
        t->told[side] = 1;
        if (shutdown(t->fd[side], SHUT_WR) == -1)
            lose(r, t, side);
    }
    if (t->told[CLIENT] && t->told[TARGET])
        t->is_over = 1;
}

/* Begin to connect to the address at hand, or to one behind it. */
static void dial(struct talk *t)
{
    for (; t->trying != NULL; t->trying = t->trying->ai_next) {
        const struct addrinfo *a = t->trying;

        t->fd[TARGET] = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK, a->ai_protocol);
        if (t->fd[TARGET] == -1)
            continue;
        if (connect(t->fd[TARGET], a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS ||
            errno == EINTR)
            return;             /* poll() tells how it ends */
        close(t->fd[TARGET]);
        t->fd[TARGET] = -1;
    }
    t->is_over = 1;
}

static void dialled(struct talk *t)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (getsockopt(t->fd[TARGET], SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0) {
        t->trying = NULL;
        return;
    }
    close(t->fd[TARGET]);
    t->fd[TARGET] = -1;
    t->trying = t->trying->ai_next;
    dial(t);
}

static struct pollfd wish(const struct talk *t, int side)
{
    struct pollfd p = { t->fd[side], 0, 0 };

    if (t->trying != NULL) {
        p.events = POLLOUT;
        if (side == CLIENT)
            p.fd = -1;
        return p;
    }
    if (!t->ended[side] && t->said[side].count < sizeof t->said[side].bytes)
        p.events |= POLLIN;
    if (t->said[!side].count > 0)
        p.events |= POLLOUT;
    if (p.events == 0)
        p.fd = -1;
    return p;
}

static void serve_talk(struct relay *r, struct talk *t, const struct pollfd *told)
{
    if (t->trying != NULL) {
        if (told[TARGET].revents != 0)
            dialled(t);
        return;
    }
    for (int side = CLIENT; side <= TARGET; side++) {
        if ((told[side].events & POLLIN) && (told[side].revents & ~POLLOUT) && !t->is_over)
            hear(r, t, side);
        tell(r, t, !side);
    }
}

static void sweep(struct relay *r)
{
    for (struct talk **at = &r->talks; *at != NULL;) {
        struct talk *t = *at;

        if (!t->is_over) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        r->count--;
        close(t->fd[CLIENT]);
        if (t->fd[TARGET] != -1)
            close(t->fd[TARGET]);
        free(t);
    }
}

/* Returns 0; 1 if accepting has to wait; -1 if nobody can come any more. */
static int admit(struct relay *r)
{
    int fd = accept4(r->listener, NULL, NULL, SOCK_NONBLOCK);
    struct talk *t;

    if (fd == -1) {
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            return -1;
        return errno != EAGAIN;
    }
    r->accepted++;
    t = calloc(1, sizeof *t);
    if (t == NULL) {
        close(fd);
        return 0;
    }
    t->number = r->accepted;
    t->fd[CLIENT] = fd;
    t->trying = r->target;
    t->next = r->talks;
    r->talks = t;
    r->count++;
    dial(t);
    return 0;
}

/* Returns -1 with errno set when it is over. */
static int run(struct relay *r)
{
    int pause = 0;

    for (;;) {
        struct pollfd *p = realloc(r->asked, (2 * r->count + 1) * sizeof *p);
        nfds_t n = 0;

        if (p == NULL)
            return -1;
        r->asked = p;
        for (struct talk *t = r->talks; t != NULL; t = t->next) {
            p[n++] = wish(t, CLIENT);
            p[n++] = wish(t, TARGET);
        }
        p[n++] = (struct pollfd){ pause ? -1 : r->listener, POLLIN, 0 };
        if (poll(p, n, pause ? 15 : -1) == -1) {
            if (errno != EINTR)
                return -1;
            continue;
        }
        pause = 0;
        n = 0;
        for (struct talk *t = r->talks; t != NULL; t = t->next, n += 2)
            serve_talk(r, t, p + n);
        sweep(r);
        if (p[n].revents != 0 && (pause = admit(r)) == -1)
            return -1;
        sweep(r);
    }
}

static int fail(int code)
{
    if (code != EAI_SYSTEM)
        errno = EHOSTUNREACH;
    return -1;
}

static int bound(const char *port)
{
    struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *a;
    int fd, one = 1, saved, code = getaddrinfo(NULL, port, &hints, &a);

    if (code != 0)
        return fail(code);
    fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK, a->ai_protocol);
    if (fd != -1 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == -1 ||
                     bind(fd, a->ai_addr, a->ai_addrlen) == -1 || listen(fd, 64) == -1)) {
        saved = errno;
        close(fd);
        errno = saved;
        fd = -1;
    }
    saved = errno;
    freeaddrinfo(a);
    errno = saved;
    return fd;
}

int serve(const char *port, const char *host, const char *service, const char *log)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *target;
    struct relay r = { .log = -1 };
    int saved, code;

    r.listener = bound(port);
    if (r.listener == -1)
        return -1;
    code = getaddrinfo(host, service, &hints, &target);
    if (code == 0) {
        r.target = target;
        r.log = open(log, O_WRONLY | O_APPEND | O_CREAT, 0666);
        if (r.log != -1)
            run(&r);
        saved = errno;
        for (struct talk *t = r.talks; t != NULL; t = t->next)
            t->is_over = 1;
        sweep(&r);
        free(r.asked);
        freeaddrinfo(target);
        errno = saved;
    } else {
        fail(code);
    }
    saved = errno;
    if (r.log != -1)
        close(r.log);
    close(r.listener);
    errno = saved;
    return -1;
}
