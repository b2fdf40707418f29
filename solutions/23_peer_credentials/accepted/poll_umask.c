/* One loop over poll(); the mode comes of the umask, which is put back at once. */

#define _GNU_SOURCE
#include "peer_credentials.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred c = { 0, (uid_t)-1, (gid_t)-1 };
    socklen_t n = sizeof c;

    if (!pid || !uid || !gid) {
        errno = EINVAL;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) != 0)
        return -1;
    if (n < sizeof c || c.uid == (uid_t)-1) {
        errno = ENOTCONN;
        return -1;
    }
    *pid = c.pid;
    *uid = c.uid;
    *gid = c.gid;
    return 0;
}

struct door {
    int fd;
    struct sockaddr_un address;
    dev_t device;
    ino_t inode;
    const unsigned *first, *last;       /* of the ids that are welcome */
};

static bool welcomes(const struct door *d, int fd)
{
    unsigned who[2];
    int pid;

    if (peer_of(fd, &pid, &who[0], &who[1]) != 0)
        return false;
    for (const unsigned *id = d->first; id != d->last; id++)
        if (*id == who[0])
            return true;
    return false;
}

static int open_door(struct door *d, const char *path)
{
    size_t length = strlen(path);
    struct stat st;
    mode_t old;
    int rc;

    if (length == 0 || length > sizeof d->address.sun_path - 1) {
        errno = length ? ENAMETOOLONG : EINVAL;
        return -1;
    }
    d->address.sun_family = AF_UNIX;
    memcpy(d->address.sun_path, path, length + 1);
    d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (d->fd == -1)
        return -1;
    old = umask(0111);
    rc = bind(d->fd, (struct sockaddr *)&d->address,
              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1));
    umask(old);
    if (rc == 0) {
        if (lstat(path, &st) == 0 && listen(d->fd, 32) == 0) {
            d->device = st.st_dev;
            d->inode = st.st_ino;
            return 0;
        }
        rc = errno;
        unlink(path);
        errno = rc;
    }
    rc = errno;
    close(d->fd);
    errno = rc;
    return -1;
}

static void answer(const struct door *d, int fd)
{
    static const char words[2][9] = { "denied\n", "welcome\n" };
    const char *at = words[welcomes(d, fd)];

    while (*at) {
        ssize_t n = send(fd, at, strlen(at), MSG_NOSIGNAL);

        if (n > 0)
            at += n;
        else if (n == -1 && errno != EINTR)
            break;
    }
    close(fd);
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct door d = { .first = allowed, .last = allowed ? allowed + count : NULL };
    struct pollfd wanted;
    struct stat st;
    int error = 0;

    if (!allowed && count) {
        errno = EINVAL;
        return -1;
    }
    if (open_door(&d, path) == -1)
        return -1;
    wanted = (struct pollfd){ .fd = d.fd, .events = POLLIN };
    while (!error) {
        int fd;

        if (poll(&wanted, 1, -1) == -1)
            continue;
        fd = accept4(d.fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            answer(&d, fd);
            continue;
        }
        switch (errno) {
        case EBADF: case EINVAL: case ENOTSOCK: case EFAULT:
            error = errno;
            break;
        case EAGAIN: case EINTR:
            break;
        default:
            poll(NULL, 0, 15);
        }
    }
    if (lstat(path, &st) == 0 && st.st_ino == d.inode && st.st_dev == d.device)
        unlink(path);
    close(d.fd);
    errno = error;
    return -1;
}
