/* expect: pass
 * gap: none
 * cause: one epoll for all clients, each with what it has not taken yet; the mode by fchmod() before bind()
 * shows: -
 */
#define _GNU_SOURCE
#include "unix_server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct conn {
    struct conn *next, *prev;
    int fd;
    unsigned from, to;
    char data[8192];
};

static int lost(int e)
{
    return e == EBADF || e == EINVAL || e == ENOTSOCK || e == EFAULT;
}

static int live(const struct sockaddr_un *sa)
{
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), e = 0;

    if (s < 0)
        return errno;
    if (connect(s, (const struct sockaddr *)sa, sizeof *sa))
        e = errno;
    close(s);
    if (e == 0 || e == EPROTOTYPE || e == EWOULDBLOCK)
        e = EADDRINUSE;
    return e;
}

static int settle(const struct sockaddr_un *sa, struct stat *own, int *out)
{
    struct stat st;
    int s, e = 0;

    if (lstat(sa->sun_path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode))
            return EADDRINUSE;
        e = live(sa);
        if (e != ECONNREFUSED)
            return e;
        if (unlink(sa->sun_path) != 0)
            return errno;
    } else if (errno != ENOENT) {
        return errno;
    }
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0)
        return errno;
    if (fchmod(s, S_IRUSR | S_IWUSR) || bind(s, (const struct sockaddr *)sa, sizeof *sa)) {
        e = errno;
        close(s);
        return e;
    }
    if (lstat(sa->sun_path, own) || listen(s, 50)) {
        e = errno;
        unlink(sa->sun_path);
        close(s);
        return e;
    }
    *out = s;
    return 0;
}

static int lock_dir(const char *path)
{
    char *copy = strdup(path), *cut;
    int d, e = 0;

    if (copy == NULL)
        return -1;
    cut = strrchr(copy, '/');
    if (cut == copy)
        cut++;
    if (cut != NULL)
        *cut = 0;
    d = open(cut == NULL ? "." : copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    if (d < 0)
        return -1;
    while (flock(d, LOCK_EX) < 0)
        if (errno != EINTR) {
            e = errno;
            close(d);
            errno = e;
            return -1;
        }
    return d;
}

static void drop(struct conn *c)
{
    c->prev->next = c->next;
    c->next->prev = c->prev;
    close(c->fd);
    free(c);
}

static int work(int ep, struct conn *c)
{
    struct epoll_event ev = { .data.ptr = c };
    ssize_t n;

    if (c->from == c->to) {
        n = read(c->fd, c->data, sizeof c->data);
        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return 0;
        c->from = 0;
        c->to = (unsigned)n;
    }
    n = send(c->fd, c->data + c->from, c->to - c->from, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return 0;
    if (n > 0)
        c->from += (unsigned)n;
    ev.events = c->from == c->to ? EPOLLIN : EPOLLOUT;
    return epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &ev) == 0;
}

static int run(int ep, int listener, struct conn *all)
{
    struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };

    if (epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev))
        return errno;
    for (;;) {
        if (epoll_wait(ep, &ev, 1, -1) < 1)
            continue;
        if (ev.data.ptr != NULL) {
            if (!work(ep, ev.data.ptr))
                drop(ev.data.ptr);
            continue;
        }
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct conn *c;

        if (fd < 0) {
            if (lost(errno))
                return errno;
            if (errno != EAGAIN && errno != EINTR)
                usleep(10000);
            continue;
        }
        c = malloc(sizeof *c);
        ev.events = EPOLLIN;
        ev.data.ptr = c;
        if (c == NULL || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev)) {
            free(c);
            close(fd);
            continue;
        }
        c->fd = fd;
        c->from = c->to = 0;
        c->next = all->next;
        c->prev = all;
        all->next->prev = c;
        all->next = c;
    }
}

int serve(const char *path)
{
    struct sockaddr_un sa;
    struct stat own, st;
    struct conn all = { .next = &all, .prev = &all };
    size_t length = strlen(path);
    int d, e, listener, ep;

    if (length == 0 || length > sizeof sa.sun_path - 1) {
        errno = length ? ENAMETOOLONG : EINVAL;
        return -1;
    }
    memset(&sa, 0, sizeof sa);
    sa.sun_family = AF_UNIX;
    memcpy(sa.sun_path, path, length);
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep < 0)
        return -1;
    d = lock_dir(path);
    if (d < 0) {
        e = errno;
    } else {
        e = settle(&sa, &own, &listener);
        flock(d, LOCK_UN);
        close(d);
    }
    if (e == 0) {
        e = run(ep, listener, &all);
        if (!lstat(path, &st) && st.st_ino == own.st_ino && st.st_dev == own.st_dev)
            unlink(path);
        close(listener);
    }
    while (all.next != &all)
        drop(all.next);
    close(ep);
    errno = e;
    return -1;
}
