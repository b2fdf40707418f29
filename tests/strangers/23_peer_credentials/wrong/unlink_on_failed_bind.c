/*
 * expect: fail
 * gap: robbed-server
 * cause: one cleanup label serves all failures and removes the path even when bind failed, so a path that somebody else made (EADDRINUSE) is unlinked
 * shows: after serve on a path that exists already: -1 with EADDRINUSE, but the other's socket or file is gone
 * says: unlink() removes a socket that is somebody else's: bind() has failed with EADDRINUSE
 */
#define _GNU_SOURCE
#include "peer_credentials.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred c;
    socklen_t len = sizeof c;

    if (!pid || !uid || !gid) {
        errno = EINVAL;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0)
        return -1;
    if (c.uid == (uid_t)-1) {
        errno = ENOTCONN;
        return -1;
    }
    *pid = c.pid;
    *uid = c.uid;
    *gid = c.gid;
    return 0;
}

static void greet(int fd, const unsigned *allowed, size_t count)
{
    int pid, ok = 0;
    unsigned uid, gid;

    if (peer_of(fd, &pid, &uid, &gid) == 0)
        for (size_t i = 0; i < count; i++)
            ok |= allowed[i] == uid;
    const char *text = ok ? "welcome\n" : "denied\n";
    while (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
    close(fd);
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    struct stat made = { 0 }, now;
    int fd, saved;

    if (!path || !*path || (!allowed && count)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof addr.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
        goto fail;
    if (lstat(path, &made) < 0 || chmod(path, 0666) < 0 || listen(fd, 50) < 0)
        goto fail;
    for (;;) {
        int conn = accept(fd, NULL, NULL);
        if (conn >= 0) {
            greet(conn, allowed, count);
            continue;
        }
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            break;
        if (errno != EINTR)
            nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
    }
    saved = errno;
    if (lstat(path, &now) < 0 || now.st_dev != made.st_dev || now.st_ino != made.st_ino) {
        close(fd);                      /* not ours any more */
        errno = saved;
        return -1;
    }
    errno = saved;
fail:
    saved = errno;
    close(fd);
    unlink(path);
    errno = saved;
    return -1;
}
