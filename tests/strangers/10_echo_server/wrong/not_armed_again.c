/* specimen: 10_echo_server c wrong
 * expect: fail
 * gap: short-send
 * cause: With EPOLLONESHOT a descriptor has to be armed again after each event; after a send that would have blocked this is left out, and no event comes any more: the rest of the echo is never sent.
 * shows: A client that sends more than the buffers hold before it reads.
 * says: does not ask whether ann can take more
 */
#define _GNU_SOURCE
#include "echo_server.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct talk {
    int fd;
    struct talk *next, **back;
    char *next_byte, *end;
    char bytes[4096];
};

static struct talk *talks;

static int hopeless(int error)
{
    return error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT;
}

static int try_address(const struct addrinfo *a)
{
    const int yes = 1;
    int s = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK, a->ai_protocol);

    if (s < 0)
        return -1;
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 || bind(s, a->ai_addr, a->ai_addrlen) < 0 ||
        listen(s, SOMAXCONN) < 0) {
        int keep = errno;
        close(s);
        errno = keep;
        return -1;
    }
    return s;
}

static int listening_socket(const char *port)
{
    const struct addrinfo want = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    int s = -1, keep, code;

    if (!port) {
        errno = EINVAL;
        return -1;
    }
    code = getaddrinfo(NULL, port, &want, &found);
    if (code == EAI_SYSTEM)
        return -1;
    if (code) {
        errno = code == EAI_MEMORY ? ENOMEM : EINVAL;
        return -1;
    }
    for (struct addrinfo *a = found; a && s < 0; a = a->ai_next)
        s = try_address(a);
    keep = errno;
    freeaddrinfo(found);
    errno = keep;
    return s;
}

static void hang_up(struct talk *t)
{
    *t->back = t->next;
    if (t->next)
        t->next->back = t->back;
    close(t->fd);
    free(t);
}

static int arm(int epfd, int op, struct talk *t)
{
    struct epoll_event ev = { .events = EPOLLONESHOT, .data.ptr = t };

    ev.events |= t->next_byte < t->end ? EPOLLOUT : EPOLLIN;
    return epoll_ctl(epfd, op, t->fd, &ev);
}

static void pick_up(int epfd, int fd)
{
    struct talk *t = malloc(sizeof *t);

    if (!t) {
        close(fd);
        return;
    }
    t->fd = fd;
    t->next_byte = t->end = t->bytes;
    t->next = talks;
    t->back = &talks;
    if (talks)
        talks->back = &t->next;
    talks = t;
    if (arm(epfd, EPOLL_CTL_ADD, t) < 0)
        hang_up(t);
}

static int turn(struct talk *t)
{
    ssize_t n;

    if (t->next_byte == t->end) {
        n = recv(t->fd, t->bytes, sizeof t->bytes, 0);
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
        if (n == 0)
            return -1;
        t->next_byte = t->bytes;
        t->end = t->bytes + n;
    }
    while (t->next_byte < t->end) {
        n = send(t->fd, t->next_byte, (size_t)(t->end - t->next_byte), MSG_NOSIGNAL);
        if (n >= 0)
            t->next_byte += n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

static int door(int epfd, int op, int s)
{
    struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT, .data.ptr = NULL };

    return epoll_ctl(epfd, op, s, &ev);
}

int serve(const char *port)
{
    struct epoll_event ready[32];
    int s = listening_socket(port), epfd, n, error = 0, pause = 0;

    if (s < 0)
        return -1;
    talks = NULL;
    epfd = epoll_create1(0);
    if (epfd < 0 || door(epfd, EPOLL_CTL_ADD, s) < 0) {
        error = errno;
        if (epfd >= 0)
            close(epfd);
        close(s);
        errno = error;
        return -1;
    }
    while (!error) {
        n = epoll_wait(epfd, ready, 32, pause ? 30 : -1);
        if (n < 0) {
            if (errno != EINTR)
                error = errno;
            continue;
        }
        if (pause && door(epfd, EPOLL_CTL_MOD, s) < 0)
            error = errno;
        pause = 0;
        for (int i = 0; i < n; i++) {
            struct talk *t = ready[i].data.ptr;
            if (t) {
                if (turn(t) < 0)
                    hang_up(t);
                else if (t->next_byte == t->end && arm(epfd, EPOLL_CTL_MOD, t) < 0)
                    hang_up(t);
                continue;
            }
            int c = accept4(s, NULL, NULL, SOCK_NONBLOCK);
            if (c >= 0) {
                pick_up(epfd, c);
            } else if (hopeless(errno)) {
                error = errno;
            } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                pause = 1;
                continue;
            }
            if (door(epfd, EPOLL_CTL_MOD, s) < 0 && !error)
                error = errno;
        }
    }
    while (talks)
        hang_up(talks);
    close(epfd);
    close(s);
    errno = error;
    return -1;
}
