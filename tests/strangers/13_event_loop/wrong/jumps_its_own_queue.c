/*
 * expect: fail
 * gap: lost-tail
 * cause: A new line is always tried with send() first, also when the tail of an earlier one still waits in the queue: as soon as there is room again, the new line goes out before the old one's rest.
 * shows: A client that reads in fits and starts while lines flow: lines are torn apart and out of order.
 * says: sends a newer line before the rest of an earlier one
 */
#include "event_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define QUEUE_BYTES 65536

struct member {
    int fd;
    int gone;          /* to be closed at the end of this round */
    int deaf;          /* sending has failed; what it said before may still be read */
    size_t have;       /* bytes of an unfinished line */
    size_t queued;     /* bytes that the kernel has not taken yet */
    char line[LINE_MAX_BYTES + 1];
    char queue[QUEUE_BYTES];
};

struct room {
    struct member **members;
    struct pollfd *polls;  /* one more: the listener's comes first */
    size_t count, capacity;
};

static int try_address(const struct addrinfo *a)
{
    const int on = 1;
    int s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (s < 0)
        return -1;
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || bind(s, a->ai_addr, a->ai_addrlen) < 0 ||
        listen(s, 128) < 0) {
        int e = errno;
        close(s);
        errno = e;
        return -1;
    }
    return s;
}

static int passive(const char *port)
{
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found, *a;
    int s = -1, e;

    if (!port) {
        errno = EINVAL;
        return -1;
    }
    e = getaddrinfo(NULL, port, &hints, &found);
    if (e) {
        if (e != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (a = found; a && s < 0; a = a->ai_next)
        s = try_address(a);
    e = errno;
    freeaddrinfo(found);
    errno = e;
    return s;
}

static int non_blocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static int make_place(struct room *room)
{
    size_t capacity = room->capacity ? room->capacity * 2 : 16;
    void *p;

    if (room->count < room->capacity)
        return 0;
    p = realloc(room->members, capacity * sizeof *room->members);
    if (!p)
        return -1;
    room->members = p;
    p = realloc(room->polls, (capacity + 1) * sizeof *room->polls);
    if (!p)
        return -1;
    room->polls = p;
    room->capacity = capacity;
    return 0;
}

static void admit(struct room *room, int fd)
{
    struct member *m;

    if (non_blocking(fd) < 0 || make_place(room) < 0 || !(m = malloc(sizeof *m))) {
        close(fd);
        return;
    }
    m->fd = fd;
    m->gone = m->deaf = 0;
    m->have = m->queued = 0;
    room->members[room->count++] = m;
}

/* Gives the kernel as much as it takes now; the number of bytes taken. */
static size_t push(struct member *m, const char *data, size_t n)
{
    size_t done = 0;

    while (done < n && !m->deaf) {
        ssize_t k = send(m->fd, data + done, n - done, MSG_NOSIGNAL);

        if (k >= 0)
            done += (size_t)k;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno != EINTR)
            m->deaf = 1;
    }
    return done;
}

static void flush(struct member *m)
{
    size_t n = push(m, m->queue, m->queued);

    m->queued -= n;
    memmove(m->queue, m->queue + n, m->queued);
    if (m->deaf)
        m->queued = 0;
}

static void tell(struct member *m, const char *line, size_t n)
{
    size_t done = 0;

    if (m->gone || m->deaf)
        return;
    done = push(m, line, n);
    if (m->deaf)
        return;
    if (m->queued + n - done > QUEUE_BYTES) {
        m->gone = 1;
        return;
    }
    memcpy(m->queue + m->queued, line + done, n - done);
    m->queued += n - done;
}

static void hear(struct room *room, struct member *m)
{
    ssize_t n = recv(m->fd, m->line + m->have, sizeof m->line - m->have, 0);
    char *from = m->line, *lf;

    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n <= 0) {
        m->gone = 1;
        return;
    }
    m->have += (size_t)n;
    while ((lf = memchr(from, '\n', m->have))) {
        size_t length = (size_t)(lf + 1 - from);

        for (size_t i = 0; i < room->count; i++)
            if (room->members[i] != m)
                tell(room->members[i], from, length);
        from += length;
        m->have -= length;
    }
    if (m->have > LINE_MAX_BYTES)
        m->gone = 1;
    memmove(m->line, from, m->have);
}

static void sweep(struct room *room)
{
    size_t kept = 0;

    for (size_t i = 0; i < room->count; i++) {
        struct member *m = room->members[i];

        if (m->gone) {
            close(m->fd);
            free(m);
        } else {
            room->members[kept++] = m;
        }
    }
    room->count = kept;
}

/* 0, or 1 when nobody can be let in for the moment, or -1 when the listener is of no use any more */
static int answer_door(struct room *room, int door)
{
    for (;;) {
        int fd = accept(door, NULL, NULL);

        if (fd >= 0) {
            admit(room, fd);
            continue;
        }
        switch (errno) {
        case EAGAIN:
            return 0;
        case EINTR: case ECONNABORTED:
            continue;
        case EBADF: case EINVAL: case ENOTSOCK: case EFAULT:
            return -1;
        default:
            return 1;
        }
    }
}

int serve(const char *port)
{
    struct room room = { 0 };
    int door = passive(port), resting = 0, error;

    if (door < 0)
        return -1;
    if (non_blocking(door) < 0 || make_place(&room) < 0)
        goto end;
    for (;;) {
        size_t count = room.count;

        room.polls[0] = (struct pollfd){ .fd = resting ? -1 : door, .events = POLLIN };
        for (size_t i = 0; i < count; i++)
            room.polls[i + 1] = (struct pollfd){
                .fd = room.members[i]->fd,
                .events = room.members[i]->queued > 0 ? POLLIN | POLLOUT : POLLIN,
            };
        if (poll(room.polls, count + 1, resting ? 30 : -1) < 0) {
            if (errno == EINTR)
                continue;
            break;
        }
        for (size_t i = 0; i < count; i++) {
            struct member *m = room.members[i];
            short events = room.polls[i + 1].revents;

            if (events & POLLOUT && !m->gone)
                flush(m);
            if (events & (POLLIN | POLLHUP | POLLERR) && !m->gone)
                hear(&room, m);
        }
        sweep(&room);
        if (resting || room.polls[0].revents) {
            resting = answer_door(&room, door);
            if (resting < 0)
                break;
        }
    }
end:
    error = errno;
    for (size_t i = 0; i < room.count; i++)
        room.members[i]->gone = 1;
    sweep(&room);
    free(room.members);
    free(room.polls);
    close(door);
    errno = error;
    return -1;
}
