/*
 * expect: fail
 * gap: other
 * cause: the connection is watched edge-triggered (EPOLLET), and one recv() answers one event; what is left in the socket, a long reply or the end-of-file behind it, makes no new one.
 * shows: when the reply and its end are both there before the first recv().
 * says: recv() was called once after epoll_wait(), which tells of arrivals once (EPOLLET), and not until EAGAIN
 */
#define _GNU_SOURCE
#include "half_close.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct talk {
    const char *request;
    size_t left;
    int told;
    char *reply;
    size_t room, got;
    int over;
};

static int dial(const char *host, const char *port)
{
    struct addrinfo hints, *list, *one;
    int fd = -1, saved = ENOENT, code;

    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if ((code = getaddrinfo(host, port, &hints, &list)) != 0) {
        if (code != EAI_SYSTEM)
            errno = ENOENT;
        return -1;
    }
    for (one = list; one; one = one->ai_next) {
        fd = socket(one->ai_family, one->ai_socktype, one->ai_protocol);
        if (fd == -1) {
            saved = errno;
            continue;
        }
        if (connect(fd, one->ai_addr, one->ai_addrlen) == 0)
            break;
        saved = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    errno = saved;
    return fd;
}

static int speak(int fd, struct talk *t)
{
    while (t->left) {
        ssize_t n = send(fd, t->request, t->left, MSG_NOSIGNAL);

        if (n == -1)
            return errno == EAGAIN ? 0 : -1;
        t->request += n;
        t->left -= (size_t)n;
    }
    if (!t->told) {
        t->told = 1;
        return shutdown(fd, SHUT_WR);
    }
    return 0;
}

static int listen_once(int fd, struct talk *t)
{
    char more;
    ssize_t n = t->got < t->room ? recv(fd, t->reply + t->got, t->room - t->got < 4096 ? t->room - t->got : 4096, 0)
                                 : recv(fd, &more, 1, 0);

    if (n == -1)
        return errno == EAGAIN ? 0 : -1;
    if (n == 0) {
        t->over = 1;
    } else if (t->got == t->room) {
        errno = EMSGSIZE;
        return -1;
    } else {
        t->got += (size_t)n;
    }
    return 0;
}

ssize_t ask(const char *host, const char *port, const void *request, size_t len, char *reply, size_t size)
{
    struct talk t = { request, len, 0, reply, size, 0, 0 };
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET };
    int fd, watch, failed = 0, saved;

    if (!host || !port || (!request && len) || (!reply && size)) {
        errno = EINVAL;
        return -1;
    }
    if ((fd = dial(host, port)) == -1)
        return -1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    watch = epoll_create1(EPOLL_CLOEXEC);
    failed = watch == -1 || epoll_ctl(watch, EPOLL_CTL_ADD, fd, &event) == -1;
    while (!failed && !(t.over && t.told)) {
        if (epoll_wait(watch, &event, 1, -1) == -1) {
            failed = errno != EINTR;
            continue;
        }
        if (event.events & EPOLLOUT)
            failed = speak(fd, &t) == -1;
        if (!failed && event.events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            failed = listen_once(fd, &t) == -1;
    }
    saved = errno;
    if (watch != -1)
        close(watch);
    close(fd);
    errno = saved;
    return failed ? -1 : (ssize_t)t.got;
}
