/* expect: pass
 * gap: none
 * cause: The listening socket is non-blocking; ppoll() waits, and each accept() takes all that there are
 * shows: -
 */
#define _GNU_SOURCE
#include "peer_credentials.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum verdict { DENIED, WELCOME };
static const struct { const char *text; size_t size; } ANSWERS[] = {
    [DENIED] = { "denied\n", 7 },
    [WELCOME] = { "welcome\n", 8 },
};

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred c;
    socklen_t n = sizeof c;
    int rc;

    if (!(pid && uid && gid))
        return errno = EINVAL, -1;
    rc = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n);
    if (rc == 0 && c.uid == (uid_t)-1)
        errno = ENOTCONN, rc = -1;
    if (rc == 0) {
        *pid = c.pid;
        *uid = c.uid;
        *gid = c.gid;
    }
    return rc;
}

static enum verdict judge(int fd, const unsigned *list, size_t count)
{
    const unsigned *end = list + count;
    unsigned uid, gid;
    int pid;

    if (peer_of(fd, &pid, &uid, &gid) != 0 || count == 0)
        return DENIED;
    for (; list < end; list++)
        if (*list == uid)
            return WELCOME;
    return DENIED;
}

static void give(int fd, enum verdict v)
{
    size_t sent = 0;

    while (sent < ANSWERS[v].size) {
        ssize_t n = send(fd, ANSWERS[v].text + sent, ANSWERS[v].size - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n > 0) {
            sent += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd p = { fd, POLLOUT, 0 };

            poll(&p, 1, -1);
        } else if (errno != EINTR) {
            return;
        }
    }
}

static int accept_all(int listener, const unsigned *list, size_t count)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

        if (fd >= 0) {
            give(fd, judge(fd, list, count));
            close(fd);
            continue;
        }
        switch (errno) {
        case EAGAIN:
        case EINTR:
        case ECONNABORTED:
            return 0;
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT:
            return errno;
        default:
            usleep(10000);
            return 0;
        }
    }
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un at;
    struct stat first, last;
    struct pollfd p;
    size_t n = strlen(path);
    int error;

    if (n == 0 || (allowed == NULL && count > 0))
        return errno = EINVAL, -1;
    if (n > 107)
        return errno = ENAMETOOLONG, -1;
    at.sun_family = AF_UNIX;
    memcpy(at.sun_path, path, n + 1 > sizeof at.sun_path ? n : n + 1);
    p.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    p.events = POLLIN;
    if (p.fd < 0)
        return -1;
    error = bind(p.fd, (const struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1)) ? errno : 0;
    if (error) {
        close(p.fd);
        return errno = error, -1;
    }
    if (lstat(path, &first) || chmod(path, 0666) || listen(p.fd, 10)) {
        error = errno;
        unlink(path);
        close(p.fd);
        return errno = error, -1;
    }
    do
        if (ppoll(&p, 1, NULL, NULL) == 1)
            error = accept_all(p.fd, allowed, count);
    while (!error);
    close(p.fd);
    if (lstat(path, &last) == 0 && last.st_dev == first.st_dev && last.st_ino == first.st_ino)
        unlink(path);
    return errno = error, -1;
}
