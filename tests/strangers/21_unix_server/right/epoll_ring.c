/*
 * expect: pass
 * gap: none
 * cause: none, it is right: one epoll set holds the listener while it is idle and the client's non-blocking socket while it is not.
 * shows: never
 */
#define _GNU_SOURCE
#include "unix_server.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { RING = 1 << 16 };

struct ring {
    unsigned char byte[RING];
    uint32_t in, out;           /* run freely, taken modulo RING */
};

static int try_lock(const char *path)
{
    char *copy = strdup(path);
    if (copy == NULL)
        return -1;
    char *cut = strrchr(copy, '/');
    const char *folder;
    if (cut == NULL)
        folder = ".";
    else if (cut == copy)
        folder = "/";
    else {
        *cut = 0;
        folder = copy;
    }
    int fd;
    while ((fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 && errno == EINTR)
        ;
    int code = errno;
    free(copy);
    errno = code;
    if (fd == -1)
        return -1;
    while (flock(fd, LOCK_EX) == -1) {
        if (errno != EINTR) {
            code = errno;
            close(fd);
            errno = code;
            return -1;
        }
    }
    return fd;
}

static int probe(const struct sockaddr_un *a)
{
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s == -1)
        return errno;
    int code;
    do
        code = connect(s, (const void *)a, sizeof *a) == 0 ? 0 : errno;
    while (code == EINTR);
    close(s);
    if (code == EISCONN || code == EAGAIN || code == EPROTOTYPE)
        return 0;
    return code;                /* 0: alive */
}

/* returns a listening socket and fills *made, or -1 */
static int open_listener(const char *path, const struct sockaddr_un *a, struct stat *made)
{
    int guard = try_lock(path), code = 0, s = -1;
    if (guard == -1)
        return -1;

    struct stat st;
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            code = EADDRINUSE;
        } else {
            int p = probe(a);
            if (p == 0)
                code = EADDRINUSE;
            else if (p == ECONNREFUSED)
                code = unlink(path) == 0 || errno == ENOENT ? 0 : errno;
            else if (p != ENOENT)
                code = p;
        }
    } else if (errno != ENOENT) {
        code = errno;
    }
    if (code == 0 && (s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
        code = errno;
    if (code == 0) {
        if (bind(s, (const void *)a, sizeof *a) == -1 || lstat(path, made) == -1) {
            code = errno;
        } else if (chmod(path, S_IRUSR | S_IWUSR) == -1 || listen(s, 128) == -1) {
            code = errno;
            unlink(path);       /* just made, under the lock */
        }
    }
    close(guard);
    if (code != 0) {
        if (s != -1)
            close(s);
        errno = code;
        return -1;
    }
    return s;
}

/* moves what can be moved without waiting; false: this client is over */
static int move(int fd, struct ring *r, int *eof)
{
    uint32_t used = r->in - r->out;
    if (!*eof && used < RING) {
        uint32_t at = r->in % RING, room = RING - used;
        if (room > RING - at)
            room = RING - at;
        ssize_t n = recv(fd, r->byte + at, room, 0);
        if (n > 0)
            r->in += (uint32_t)n;
        else if (n == 0)
            *eof = 1;
        else if (errno != EAGAIN && errno != EINTR)
            return 0;
    }
    used = r->in - r->out;
    if (used > 0) {
        uint32_t at = r->out % RING, some = used;
        if (some > RING - at)
            some = RING - at;
        ssize_t n = send(fd, r->byte + at, some, MSG_NOSIGNAL);
        if (n >= 0)
            r->out += (uint32_t)n;
        else if (errno != EAGAIN && errno != EINTR)
            return 0;
    }
    return !(*eof && r->in == r->out);
}

static void talk(int ep, int fd)
{
    static _Thread_local struct ring r;
    int eof = 0;
    struct epoll_event want = { .events = EPOLLIN }, got;

    r.in = r.out = 0;
    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &want) == -1)
        return;
    for (;;) {
        if (epoll_wait(ep, &got, 1, -1) == -1) {
            if (errno == EINTR)
                continue;
            break;
        }
        if (!move(fd, &r, &eof))
            break;
        uint32_t events = 0;
        if (!eof && r.in - r.out < RING)
            events |= EPOLLIN;
        if (r.in != r.out)
            events |= EPOLLOUT;
        if (events != want.events) {
            want.events = events;
            if (epoll_ctl(ep, EPOLL_CTL_MOD, fd, &want) == -1)
                break;
        }
    }
    epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL);
}

int serve(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    if (path == NULL || path[0] == 0) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(a.sun_path, path);

    int ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep == -1)
        return -1;
    struct stat made, now;
    int s = open_listener(path, &a, &made), code;
    if (s == -1) {
        code = errno;
        close(ep);
        errno = code;
        return -1;
    }
    struct epoll_event e = { .events = EPOLLIN };
    for (;;) {
        if (epoll_ctl(ep, EPOLL_CTL_ADD, s, &e) == -1) {
            code = errno;
            break;
        }
        struct epoll_event got;
        while (epoll_wait(ep, &got, 1, -1) == -1 && errno == EINTR)
            ;
        epoll_ctl(ep, EPOLL_CTL_DEL, s, NULL);
        int c = accept4(s, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (c >= 0) {
            talk(ep, c);
            close(c);
            continue;
        }
        code = errno;
        if (code == EBADF || code == EINVAL || code == ENOTSOCK || code == EFAULT)
            break;
        usleep(25000);
    }
    if (lstat(path, &now) == 0 && now.st_ino == made.st_ino && now.st_dev == made.st_dev)
        unlink(path);
    close(s);
    close(ep);
    errno = code;
    return -1;
}
