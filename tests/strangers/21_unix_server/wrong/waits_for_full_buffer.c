/*
 * expect: fail
 * gap: other
 * cause: MSG_WAITALL makes recv wait until the whole buffer is full, so a short message is echoed only when 4,096 bytes have come or the client has ended.
 * shows: A client that sends a few bytes and waits for their echo before it goes on waits for ever.
 * says: which returns when all 4096 bytes have come (MSG_WAITALL)
 */
#define _GNU_SOURCE
#include "unix_server.h"
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int parent_fd(const char *path)
{
    char parent[108];
    const char *cut = strrchr(path, '/');
    size_t n = cut ? (size_t)(cut - path) : 0;

    if (cut == NULL)
        strcpy(parent, ".");
    else if (n == 0)
        strcpy(parent, "/");
    else
        parent[n] = 0, memcpy(parent, path, n);
    return open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int verdict(const char *path, const struct sockaddr *sa, socklen_t len)
{
    struct stat st;
    int e = 0;

    if (lstat(path, &st))
        return errno == ENOENT ? 0 : errno;
    if (S_ISSOCK(st.st_mode)) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return errno;
        do
            e = connect(fd, sa, len) ? errno : 0;
        while (e == EINTR);
        close(fd);
        if (e == ECONNREFUSED)
            return unlink(path) ? errno : 0;
    }
    return e == 0 || e == EAGAIN || e == EPROTOTYPE || e == EISCONN ? EADDRINUSE : e;
}

static int send_full(int fd, const void *data, size_t size)
{
    size_t sent = 0;

    while (sent < size) {
        ssize_t n = send(fd, (const char *)data + sent, size - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        sent += (size_t)n;
    }
    return 0;
}

static void session(int fd)
{
    char data[4096];

    for (;;) {
        ssize_t n = recv(fd, data, sizeof data, MSG_WAITALL);   /* the whole message */
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || send_full(fd, data, (size_t)n) < 0)
            break;
    }
    close(fd);
}

int serve(const char *path)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct stat id, st;
    int lock, fd = -1, e, bound = 0;

    if (!path || !*path) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > sizeof un.sun_path - 1) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(un.sun_path, path);
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    if ((lock = parent_fd(path)) < 0)
        return -1;
    do
        e = flock(lock, LOCK_EX) ? errno : 0;
    while (e == EINTR);
    if (e == 0)
        e = verdict(path, (struct sockaddr *)&un, len);
    if (e == 0 && (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        e = errno;
    if (e == 0 && bind(fd, (struct sockaddr *)&un, len))
        e = errno;
    if (e == 0) {
        bound = lstat(path, &id) == 0;
        if (chmod(path, 0600) || listen(fd, 10))
            e = errno;
    }
    close(lock);
    while (e == 0) {
        int c = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (c >= 0)
            session(c);
        else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            e = errno;
        else if (errno != EINTR)
            nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    }
    if (bound && lstat(path, &st) == 0 && st.st_dev == id.st_dev && st.st_ino == id.st_ino)
        unlink(path);
    if (fd >= 0)
        close(fd);
    errno = e;
    return -1;
}
