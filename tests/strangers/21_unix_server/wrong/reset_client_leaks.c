/*
 * expect: fail
 * gap: other
 * cause: The client's descriptor is closed where its end-of-file is seen, but the two ways out for a failed recv or send return without closing it.
 * shows: Each client that goes away without reading its echo leaves one descriptor open in the server.
 * says: is never closed, although its client is gone
 */
#define _GNU_SOURCE
#include "unix_server.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void echo(int fd)
{
    char buf[8192];
    ssize_t n, sent, k;

again:
    n = recv(fd, buf, sizeof buf, 0);
    if (n == 0) {
        close(fd);
        return;
    }
    if (n < 0) {
        if (errno == EINTR)
            goto again;
        return;
    }
    for (sent = 0; sent < n; sent += k) {
        k = send(fd, buf + sent, (size_t)(n - sent), MSG_NOSIGNAL);
        if (k < 0) {
            if (errno != EINTR)
                return;
            k = 0;
        }
    }
    goto again;
}

static int stale(const char *path, struct sockaddr_un *sa)
{
    struct stat st;
    int s, rv, e;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -1;
    errno = EADDRINUSE;
    if (!S_ISSOCK(st.st_mode))
        return -1;
    s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0)
        return -1;
    do
        rv = connect(s, (struct sockaddr *)sa, sizeof *sa);
    while (rv < 0 && errno == EINTR);
    e = rv < 0 ? errno : EADDRINUSE;
    close(s);
    if (e == ECONNREFUSED)
        return 1;
    errno = e == EAGAIN || e == EPROTOTYPE ? EADDRINUSE : e;
    return -1;
}

int serve(const char *path)
{
    struct sockaddr_un sa;
    char dir[sizeof sa.sun_path];
    struct stat made, st;
    struct epoll_event ev = { .events = EPOLLIN };
    int lock = -1, s = -1, ep = -1, mine = 0, e;

    if (path == NULL || *path == '\0') {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(&sa, 0, sizeof sa);
    sa.sun_family = AF_UNIX;
    strcpy(sa.sun_path, path);
    strcpy(dir, path);

    if ((ep = epoll_create1(EPOLL_CLOEXEC)) < 0)
        return -1;
    if ((s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        goto end;
    if ((lock = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        goto end;
    while ((e = flock(lock, LOCK_EX)) < 0 && errno == EINTR)
        ;
    if (e < 0)
        goto end;
    e = stale(path, &sa);
    if (e < 0 || (e > 0 && unlink(path) < 0))
        goto end;
    if (bind(s, (struct sockaddr *)&sa, sizeof sa) < 0)
        goto end;
    mine = lstat(path, &made) == 0;
    if (chmod(path, 0600) < 0 || listen(s, 20) < 0)
        goto end;
    close(lock);
    lock = -1;
    if (epoll_ctl(ep, EPOLL_CTL_ADD, s, &ev) < 0)
        goto end;
    for (;;) {
        struct epoll_event got;
        if (epoll_wait(ep, &got, 1, -1) < 0 && errno == EINTR)
            continue;
        int c = accept4(s, NULL, NULL, SOCK_CLOEXEC);
        if (c >= 0)
            echo(c);
        else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            goto end;
        else
            usleep(20000);
    }
end:
    e = errno;
    if (mine && lstat(path, &st) == 0 && st.st_dev == made.st_dev && st.st_ino == made.st_ino)
        unlink(path);
    if (lock >= 0)
        close(lock);
    if (s >= 0)
        close(s);
    close(ep);
    errno = e;
    return -1;
}
