/*
 * expect: fail
 * gap: other
 * cause: When the probe reaches a live server the function returns without closing the probe's socket; the descriptor leaks and the live server goes on waiting for a client that will never speak.
 * shows: After -1/EADDRINUSE the caller has one descriptor more, and the other server, which serves one client at a time, answers nobody while that process lives.
 * says: the connected socket
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
#include <unistd.h>

static int remove_stale(const char *path, const struct sockaddr_un *sa)
{
    struct stat st;
    int s;

    if (lstat(path, &st) == -1)
        return errno == ENOENT ? 0 : -1;
    if (!S_ISSOCK(st.st_mode)) {
        errno = EADDRINUSE;
        return -1;
    }
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s == -1)
        return -1;
    while (connect(s, (const struct sockaddr *)sa, sizeof *sa) == -1) {
        int e = errno;

        if (e == EINTR)
            continue;
        close(s);
        if (e == ECONNREFUSED)
            return unlink(path);
        errno = e == EAGAIN || e == EPROTOTYPE ? EADDRINUSE : e;
        return -1;
    }
    errno = EADDRINUSE;
    return -1;
}

static void echo(int fd)
{
    char b[4096];
    ssize_t n, k, off;

    for (;;) {
        n = recv(fd, b, sizeof b, 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        for (off = 0; off < n; off += k) {
            k = send(fd, b + off, (size_t)(n - off), MSG_NOSIGNAL);
            if (k == -1 && errno == EINTR)
                k = 0;
            else if (k == -1)
                goto gone;
        }
    }
gone:
    close(fd);
}

int serve(const char *path)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    char folder[sizeof sa.sun_path];
    struct stat own, now;
    int guard, s = -1, e, made = 0;

    if (path == NULL || *path == 0) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(sa.sun_path, path);
    strcpy(folder, path);
    guard = open(dirname(folder), O_RDONLY | O_CLOEXEC);
    if (guard == -1)
        return -1;
    while ((e = flock(guard, LOCK_EX)) == -1 && errno == EINTR)
        ;
    if (e == -1 || remove_stale(path, &sa) == -1)
        goto fail;
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s == -1 || bind(s, (struct sockaddr *)&sa, sizeof sa) == -1)
        goto fail;
    made = lstat(path, &own) == 0;
    if (chmod(path, 0600) == -1 || listen(s, 10) == -1)
        goto fail;
    close(guard);
    guard = -1;
    for (;;) {
        int c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
        if (c >= 0)
            echo(c);
        else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            break;
        else if (errno != EINTR)
            usleep(20000);
    }
fail:
    e = errno;
    if (made && lstat(path, &now) == 0 && now.st_dev == own.st_dev && now.st_ino == own.st_ino)
        unlink(path);
    if (s != -1)
        close(s);
    if (guard != -1)
        close(guard);
    errno = e;
    return -1;
}
