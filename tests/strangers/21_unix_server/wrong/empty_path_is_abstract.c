/*
 * expect: fail
 * gap: other
 * cause: Only NULL and too long are refused; an empty path leaves sun_path all zero, which the kernel takes for an abstract name, so the server listens where nobody looks for it.
 * shows: serve("") does not return -1 with EINVAL but serves for ever.
 * says: bind() is given an empty path
 */
#define _GNU_SOURCE
#include "unix_server.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int has_life(struct sockaddr_un *where)
{
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int e;

    if (s < 0)
        return -1;
    while ((e = connect(s, (struct sockaddr *)where, sizeof *where) < 0 ? errno : 0) == EINTR)
        ;
    close(s);
    switch (e) {
    case ECONNREFUSED:
        return 0;
    case 0:
    case EISCONN:
    case EAGAIN:
    case EPROTOTYPE:
        return 1;
    default:
        errno = e;
        return -1;
    }
}

static int bind_privately(int s, struct sockaddr_un *where)
{
    mode_t mask = umask(0177);
    int rv = bind(s, (struct sockaddr *)where, sizeof *where);
    int e = errno;

    umask(mask);
    errno = e;
    return rv;
}

static void echo(int c)
{
    char buf[512];
    ssize_t n;

    for (;;) {
        n = recv(c, buf, sizeof buf, 0);
        if (n == 0 || (n < 0 && errno != EINTR))
            return;
        for (ssize_t i = 0; i < n;) {
            ssize_t k = send(c, buf + i, (size_t)(n - i), MSG_NOSIGNAL);
            if (k < 0 && errno != EINTR)
                return;
            i += k > 0 ? k : 0;
        }
    }
}

int serve(const char *path)
{
    struct sockaddr_un where = { .sun_family = AF_UNIX };
    char copy[sizeof where.sun_path];
    struct stat st, first;
    int s, d, known = 0, e;

    if (path == NULL) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof where.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(where.sun_path, path);
    d = open(dirname(strcpy(copy, path)), O_RDONLY | O_CLOEXEC);
    if (d < 0)
        return -1;
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        goto out;
    while (flock(d, LOCK_EX) < 0)
        if (errno != EINTR)
            goto out;
    if (lstat(path, &st) == 0) {
        int life = S_ISSOCK(st.st_mode) ? has_life(&where) : 1;
        if (life == 1)
            errno = EADDRINUSE;
        if (life != 0 || unlink(path) < 0)
            goto out;
    } else if (errno != ENOENT) {
        goto out;
    }
    if (bind_privately(s, &where) < 0)
        goto out;
    known = lstat(path, &first) == 0;
    if (listen(s, 10) < 0)
        goto out;
    flock(d, LOCK_UN);
    for (;;) {
        int c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
        if (c >= 0) {
            echo(c);
            close(c);
        } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT) {
            goto out;
        } else if (errno != EINTR) {
            struct timespec t = { 0, 40000000 };
            nanosleep(&t, NULL);
        }
    }
out:
    e = errno;
    if (known && lstat(path, &st) == 0 && st.st_dev == first.st_dev && st.st_ino == first.st_ino)
        unlink(path);
    if (s >= 0)
        close(s);
    close(d);
    errno = e;
    return -1;
}
