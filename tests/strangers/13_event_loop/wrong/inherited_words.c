/*
 * expect: fail
 * gap: other
 * cause: What a client has said is kept in a table by descriptor, and the unfinished line is not cleared when a client leaves; whoever gets the number next inherits it.
 * shows: A client leaves in the middle of a line, and another one comes and speaks: its first line begins with the other's words.
 * says: they are left of another one
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

#define TABLE 1024
#define MAX_LINE 4096
#define MAX_QUEUE 65536

struct user {
    int online, half, n_in;
    size_t n_out;
    char in[MAX_LINE + 1];
    char *out;
};

static struct user users[TABLE];

static int start(const char *port)
{
    struct addrinfo hints, *ai, *a;
    int s = -1, one = 1, e = EINVAL, rv;

    memset(&hints, 0, sizeof hints);
    hints.ai_flags = AI_PASSIVE;
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    rv = getaddrinfo(NULL, port, &hints, &ai);
    if (rv == EAI_SYSTEM)
        return -1;
    if (rv) {
        errno = EINVAL;
        return -1;
    }
    for (a = ai; a; a = a->ai_next) {
        s = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK, a->ai_protocol);
        if (s >= 0 && !setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) &&
            !bind(s, a->ai_addr, a->ai_addrlen) && !listen(s, 100))
            break;
        e = errno;
        if (s >= 0)
            close(s);
        s = -1;
    }
    freeaddrinfo(ai);
    if (s < 0)
        errno = e;
    return s;
}

static void logout(int fd)
{
    close(fd);
    free(users[fd].out);
    users[fd].out = NULL;
    users[fd].n_out = 0;
    users[fd].online = 0;
}

static void login(int fd)
{
    if (fd >= TABLE || (users[fd].out = malloc(MAX_QUEUE)) == NULL) {
        close(fd);
        return;
    }
    users[fd].online = 1;
    users[fd].half = 0;
}

static void push(int fd)
{
    struct user *u = &users[fd];

    while (u->n_out > 0) {
        ssize_t n = send(fd, u->out, u->n_out, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            logout(fd);
            return;
        }
        u->n_out -= (size_t)n;
        memmove(u->out, u->out + n, u->n_out);
    }
    if (u->half)
        logout(fd);
}

static void broadcast(int from, const char *line, size_t len)
{
    for (int fd = 0; fd < TABLE; fd++) {
        struct user *u = &users[fd];

        if (fd == from || !u->online || u->half)
            continue;
        if (len > MAX_QUEUE - u->n_out) {
            logout(fd);
            continue;
        }
        memcpy(u->out + u->n_out, line, len);
        u->n_out += len;
        push(fd);
    }
}

static void listen_to(int fd)
{
    struct user *u = &users[fd];
    char chunk[4096];
    ssize_t n = recv(fd, chunk, sizeof chunk, 0);

    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR)
            logout(fd);
        return;
    }
    if (n == 0) {
        u->half = 1;
        push(fd);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        u->in[u->n_in++] = chunk[i];
        if (chunk[i] == '\n') {
            broadcast(fd, u->in, (size_t)u->n_in);
            u->n_in = 0;
        } else if (u->n_in > MAX_LINE) {
            u->n_in = 0;
            logout(fd);
            return;
        }
    }
}

int serve(const char *port)
{
    struct pollfd set[TABLE + 1];
    int listener = start(port), pause = 0, e;

    if (listener < 0)
        return -1;
    for (;;) {
        nfds_t count = 1;

        set[0].fd = pause ? -1 : listener;
        set[0].events = POLLIN;
        set[0].revents = 0;
        for (int fd = 0; fd < TABLE; fd++)
            if (users[fd].online) {
                set[count].fd = fd;
                set[count].events = (short)((users[fd].half ? 0 : POLLIN) | (users[fd].n_out ? POLLOUT : 0));
                set[count++].revents = 0;
            }
        if (poll(set, count, pause ? 40 : -1) < 0) {
            if (errno == EINTR)
                continue;
            e = errno;
            break;
        }
        pause = 0;
        for (nfds_t i = 1; i < count; i++) {
            int fd = set[i].fd;

            if (users[fd].online && (set[i].revents & POLLOUT))
                push(fd);
            if (users[fd].online && (set[i].revents & POLLIN))
                listen_to(fd);
            else if (users[fd].online && (set[i].revents & (POLLERR | POLLHUP | POLLNVAL)))
                logout(fd);
        }
        if (set[0].revents) {
            int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
            e = errno;
            if (fd >= 0)
                login(fd);
            else if (e == EBADF || e == EINVAL || e == ENOTSOCK || e == EFAULT)
                break;
            else if (e != EAGAIN && e != EINTR && e != ECONNABORTED)
                pause = 1;
        }
    }
    for (int fd = 0; fd < TABLE; fd++)
        if (users[fd].online)
            logout(fd);
    close(listener);
    errno = e;
    return -1;
}
