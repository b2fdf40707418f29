/* specimen: 10_echo_server c wrong
 * expect: fail
 * gap: other
 * cause: When a client leaves, the last entry of the poll table is moved into the gap, but the table of buffers beside it is not moved along: the moved client goes on with a buffer that is not its own.
 * shows: Two clients are connected, the later one has bytes waiting when the earlier one leaves: those bytes are gone.
 * says: bytes that arrive
 */
#define _GNU_SOURCE
#include "echo_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Everybody is served at the same time; whoever has bytes waiting for him is not read from. */
struct client {
    size_t from, to;
    char bytes[16384];
};

static struct pollfd *fds;      /* fds[0] is the listener, clients[i] belongs to fds[i] */
static struct client **clients;
static size_t used, room;

static int hopeless(int error)
{
    return error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT;
}

static int open_listener(const char *port)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, on = 1, rc, error = EINVAL;

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
            errno = EINVAL;
        return -1;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
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

static int enlarge(void)
{
    size_t more = room + 16;
    struct pollfd *f = realloc(fds, more * sizeof *f);
    struct client **c;

    if (f == NULL)
        return -1;
    fds = f;
    c = realloc(clients, more * sizeof *c);
    if (c == NULL)
        return -1;
    clients = c;
    room = more;
    return 0;
}

static void admit(int fd)
{
    struct client *c;

    if ((used == room && enlarge() == -1) || (c = calloc(1, sizeof *c)) == NULL) {
        close(fd);
        return;
    }
    c->from = c->to = 0;
    clients[used] = c;
    fds[used++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void dismiss(size_t i)
{
    close(fds[i].fd);
    clients[i]->from = clients[i]->to = 0;
    used--;
    fds[i] = fds[used];
}

/* 0 when the client has to go */
static int attend(struct pollfd *p, struct client *c)
{
    ssize_t n;

    if (c->from == c->to) {
        n = recv(p->fd, c->bytes, sizeof c->bytes, 0);
        if (n == -1)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return 0;
        c->from = 0;
        c->to = (size_t)n;
    }
    n = send(p->fd, c->bytes + c->from, c->to - c->from, MSG_NOSIGNAL);
    if (n == -1 && errno != EAGAIN && errno != EINTR)
        return 0;
    if (n > 0)
        c->from += (size_t)n;
    p->events = c->from < c->to ? POLLOUT : POLLIN;
    return 1;
}

int serve(const char *port)
{
    int listener = open_listener(port), fd, error = 0, deaf = 0;

    if (listener == -1)
        return -1;
    fds = NULL;
    clients = NULL;
    used = room = 0;
    if (enlarge() == -1) {
        free(fds);
        fds = NULL;
        close(listener);
        errno = ENOMEM;
        return -1;
    }
    fds[0].fd = listener;
    clients[0] = NULL;
    used = 1;
    while (!error) {
        fds[0].events = deaf ? 0 : POLLIN;
        if (poll(fds, used, deaf ? 20 : 1000) == -1) {
            if (errno != EINTR)
                nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
            continue;
        }
        for (size_t i = used; --i > 0;)
            if (fds[i].revents && !attend(&fds[i], clients[i]))
                dismiss(i);
        if (!deaf && fds[0].revents == 0)
            continue;
        deaf = 0;
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd >= 0)
            admit(fd);
        else if (hopeless(errno))
            error = errno;
        else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
            deaf = 1;
    }
    while (used > 1)
        dismiss(used - 1);
    free(fds);
    free(clients);
    close(listener);
    errno = error;
    return -1;
}
