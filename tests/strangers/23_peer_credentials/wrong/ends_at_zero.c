/* expect: fail
 * gap: other
 * cause: Takes 0 for the end of the list.
 * shows: Root is on the list, and others after it.
 * says: told of user 0, who is on the list
 */
#define _GNU_SOURCE
#include "peer_credentials.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred u;
    socklen_t l = sizeof(u);

    if (!pid || !uid || !gid)
        goto invalid;
    memset(&u, 0xff, sizeof(u));
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &l) < 0)
        return -1;
    if (u.uid == 0xffffffffu)
        goto nobody;
    *pid = (int)u.pid;
    *uid = (unsigned)u.uid;
    *gid = (unsigned)u.gid;
    return 0;
nobody:
    errno = ENOTCONN;
    return -1;
invalid:
    errno = EINVAL;
    return -1;
}

static void write_all(int fd, const char *s)
{
    size_t n = strlen(s);
    ssize_t w;

again:
    w = write(fd, s, n);
    if (w < 0 && errno == EINTR)
        goto again;
    if (w < 0)
        return;
    s += w;
    n -= (size_t)w;
    if (n)
        goto again;
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un un;
    struct stat a, b;
    struct timeval tv;
    int s, c, e, p, known;
    unsigned u, g;
    size_t i;
    fd_set set;

    if (!strlen(path) || (!allowed && count)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(&un, 0, sizeof(un));
    un.sun_family = AF_UNIX;
    memcpy(un.sun_path, path, strlen(path));
    signal(SIGPIPE, SIG_IGN);
    if ((s = socket(AF_UNIX, SOCK_STREAM, 0)) < 0)
        return -1;
    if (bind(s, (struct sockaddr *)&un, sizeof(un)) < 0) {
        e = errno;
        goto shut;
    }
    if (lstat(path, &a) < 0 || chmod(path, 0666) < 0 || listen(s, 16) < 0) {
        e = errno;
        unlink(path);
        goto shut;
    }
    for (;;) {
        FD_ZERO(&set);
        FD_SET(s, &set);
        if (select(s + 1, &set, NULL, NULL, NULL) < 0)
            continue;
        c = accept(s, NULL, NULL);
        if (c < 0) {
            e = errno;
            if (e == EBADF || e == EINVAL || e == ENOTSOCK || e == EFAULT)
                break;
            tv.tv_sec = 0;
            tv.tv_usec = 10000;
            select(0, NULL, NULL, NULL, &tv);
            continue;
        }
        known = 0;
        if (!peer_of(c, &p, &u, &g))
            for (i = 0; i != count && allowed[i] && !known; ++i)
                known = allowed[i] == u;
        write_all(c, known ? "welcome\n" : "denied\n");
        close(c);
    }
    if (!lstat(path, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev)
        unlink(path);
shut:
    close(s);
    errno = e;
    return -1;
}
