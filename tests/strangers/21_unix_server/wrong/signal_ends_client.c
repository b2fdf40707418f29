/*
 * expect: fail
 * gap: other
 * cause: recv's -1 with EINTR is treated like the end of the client (n <= 0), so a signal that the process handles closes the connection that is being served.
 * shows: A caught signal (no SA_RESTART) while a client is silent: the client gets end-of-file instead of its next echo.
 * says: was interrupted by a signal (EINTR), and not called again
 */
#define _GNU_SOURCE
#include "unix_server.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int lock, sock;
    bool bound;
    struct stat id;
    struct sockaddr_un at;
} listener_t;

static bool send_all(int fd, const char *data, size_t left)
{
    while (left) {
        ssize_t n = send(fd, data, left, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        data += n;
        left -= (size_t)n;
    }
    return true;
}

static void serve_client(int fd)
{
    char buffer[2048];

    while (1) {
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0)             /* closed or broken */
            break;
        if (!send_all(fd, buffer, (size_t)n))
            break;
    }
    close(fd);
}

static int probe(const listener_t *l)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    int e;
    do {
        e = connect(fd, (const struct sockaddr *)&l->at, sizeof l->at) < 0 ? errno : 0;
    } while (e == EINTR);
    close(fd);
    return e == EAGAIN || e == EPROTOTYPE || e == EISCONN ? 0 : e;
}

static int setup(listener_t *l)
{
    const char *path = l->at.sun_path;
    char dir[sizeof l->at.sun_path] = ".";
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (slash) {
        size_t n = slash == path ? 1 : (size_t)(slash - path);
        memcpy(dir, path, n);
        dir[n] = '\0';
    }
    l->lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->lock < 0)
        return -1;
    while (flock(l->lock, LOCK_EX) < 0)
        if (errno != EINTR)
            return -1;
    if (lstat(path, &st) == 0) {
        int e = S_ISSOCK(st.st_mode) ? probe(l) : 0;
        if (e != ECONNREFUSED) {
            errno = e ? e : EADDRINUSE;
            return -1;
        }
        if (unlink(path) < 0)
            return -1;
    } else if (errno != ENOENT) {
        return -1;
    }
    l->sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->sock < 0 || bind(l->sock, (struct sockaddr *)&l->at, sizeof l->at) < 0)
        return -1;
    l->bound = lstat(path, &l->id) == 0;
    if (chmod(path, 0600) < 0 || listen(l->sock, 32) < 0)
        return -1;
    close(l->lock);
    l->lock = -1;
    return 0;
}

int serve(const char *path)
{
    listener_t l = { .lock = -1, .sock = -1, .at.sun_family = AF_UNIX };
    struct timespec little = { 0, 30000000 };
    struct stat st;

    if (!path || !path[0]) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(l.at.sun_path, path);
    if (setup(&l) == 0) {
        for (;;) {
            int c = accept4(l.sock, NULL, NULL, SOCK_CLOEXEC);
            if (c >= 0) {
                serve_client(c);
                continue;
            }
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
                break;
            nanosleep(&little, NULL);
        }
    }
    int e = errno;
    if (l.bound && lstat(path, &st) == 0 && st.st_ino == l.id.st_ino && st.st_dev == l.id.st_dev)
        unlink(path);
    if (l.sock >= 0)
        close(l.sock);
    if (l.lock >= 0)
        close(l.lock);
    errno = e;
    return -1;
}
