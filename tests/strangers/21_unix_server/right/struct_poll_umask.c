/*
 * expect: pass
 * gap: none
 * cause: none, it is right: small functions around one struct; binds under a narrowed umask, looks only if bind says taken.
 * shows: never
 */
#define _GNU_SOURCE
#include "unix_server.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct server {
    const char *path;
    struct sockaddr_un where;
    socklen_t length;
    int guard;          /* the locked folder */
    int listener;
    bool made;
    dev_t dev;
    ino_t ino;
};

static int fail(int code)
{
    errno = code;
    return -1;
}

static int name_it(struct server *s, const char *path)
{
    size_t n = path ? strlen(path) : 0;

    if (n == 0)
        return fail(EINVAL);
    if (n > sizeof s->where.sun_path - 1)
        return fail(ENAMETOOLONG);
    s->path = path;
    s->where.sun_family = AF_UNIX;
    strcpy(s->where.sun_path, path);
    s->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
    return 0;
}

static int lock(struct server *s)
{
    char folder[sizeof s->where.sun_path];
    char *slash = strrchr(strcpy(folder, s->path), '/');

    if (slash == NULL)
        strcpy(folder, ".");
    else if (slash == folder)
        folder[1] = '\0';
    else
        *slash = '\0';
    s->guard = TEMP_FAILURE_RETRY(open(folder, O_RDONLY | O_CLOEXEC));
    if (s->guard < 0)
        return -1;
    return (int)TEMP_FAILURE_RETRY(flock(s->guard, LOCK_EX));
}

static int bind_private(struct server *s)
{
    struct stat st;
    mode_t old = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    int rv = bind(s->listener, (struct sockaddr *)&s->where, s->length);
    int code = errno;

    umask(old);
    if (rv < 0)
        return fail(code);
    if (lstat(s->path, &st) < 0)
        return -1;
    s->made = true;
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    return 0;
}

/* 1: in use, 0: stale or gone, -1: cannot tell */
static int in_use(struct server *s)
{
    struct stat st;

    if (lstat(s->path, &st) < 0)
        return errno == ENOENT ? 0 : -1;
    if ((st.st_mode & S_IFMT) != S_IFSOCK)
        return 1;

    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return -1;
    long rv = TEMP_FAILURE_RETRY(connect(probe, (struct sockaddr *)&s->where, s->length));
    int code = rv < 0 ? errno : 0;
    close(probe);

    if (code == 0 || code == EAGAIN || code == EPROTOTYPE || code == EISCONN)
        return 1;
    if (code == ECONNREFUSED || code == ENOENT)
        return 0;
    return fail(code);
}

static int start(struct server *s)
{
    if (lock(s) < 0)
        return -1;
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->listener < 0)
        return -1;
    if (bind_private(s) < 0) {
        if (errno != EADDRINUSE)
            return -1;
        int used = in_use(s);
        if (used < 0)
            return -1;
        if (used)
            return fail(EADDRINUSE);
        if (unlink(s->path) < 0 && errno != ENOENT)
            return -1;
        if (bind_private(s) < 0)
            return -1;
    }
    if (listen(s->listener, SOMAXCONN) < 0)
        return -1;
    close(s->guard);        /* which unlocks */
    s->guard = -1;
    return 0;
}

static void stop(struct server *s)
{
    struct stat st;
    int code = errno;

    if (s->made && lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
        unlink(s->path);
    if (s->listener >= 0)
        close(s->listener);
    if (s->guard >= 0)
        close(s->guard);
    errno = code;
}

static bool put(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t k = TEMP_FAILURE_RETRY(send(fd, p, n, MSG_NOSIGNAL));
        if (k < 0)
            return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

static void attend(int fd)
{
    char block[BUFSIZ > 4096 ? BUFSIZ : 4096];
    ssize_t n;

    while ((n = TEMP_FAILURE_RETRY(recv(fd, block, sizeof block, 0))) > 0 && put(fd, block, (size_t)n))
        ;
    close(fd);
}

int serve(const char *path)
{
    struct server s = { .guard = -1, .listener = -1 };

    if (name_it(&s, path) < 0)
        return -1;
    if (start(&s) < 0) {
        stop(&s);
        return -1;
    }
    for (;;) {
        struct pollfd p = { .fd = s.listener, .events = POLLIN };
        if (poll(&p, 1, -1) < 0) {
            if (errno != EINTR)
                poll(NULL, 0, 20);
            continue;
        }
        int client = accept4(s.listener, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0)
            attend(client);
        else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            break;
        else
            poll(NULL, 0, 20);
    }
    stop(&s);
    return -1;
}
