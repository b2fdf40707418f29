/*
 * expect: fail
 * gap: other
 * cause: the user id is looked up with bsearch, which wants a sorted array, but nobody sorts the caller's list
 * shows: when the list is not in ascending order: some users that it names are denied
 * says: told of user 70001, who is on the list, and peer_credentials.c:49 send() turns it away
 */
#define _GNU_SOURCE
#include "peer_credentials.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int compare(const void *key, const void *item)
{
    unsigned a = *(const unsigned *)key, b = *(const unsigned *)item;
    return a < b ? -1 : a > b;
}

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (!pid || !uid || !gid)
        return errno = EINVAL, -1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size))
        return -1;
    if (peer.uid == (uid_t)-1)
        return errno = ENOTCONN, -1;
    *pid = peer.pid, *uid = peer.uid, *gid = peer.gid;
    return 0;
}

static void judge(int conn, const unsigned *allowed, size_t count)
{
    int pid;
    unsigned uid, gid;
    const char *text = "denied\n";

    if (!peer_of(conn, &pid, &uid, &gid) && count && bsearch(&uid, allowed, count, sizeof *allowed, compare))
        text = "welcome\n";
    for (size_t n = strlen(text); n > 0;) {
        ssize_t k = send(conn, text, n, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            break;
        text += k, n -= (size_t)k;
    }
}

static int loop(int listener, const unsigned *allowed, size_t count)
{
    struct epoll_event ev = { .events = EPOLLIN };
    int ep = epoll_create1(EPOLL_CLOEXEC), why;

    if (ep < 0)
        return errno;
    if (epoll_ctl(ep, EPOLL_CTL_ADD, listener, &ev) < 0) {
        why = errno;
        close(ep);
        return why;
    }
    for (;;) {
        if (epoll_wait(ep, &ev, 1, -1) < 0 && errno == EINTR)
            continue;
        int conn = accept(listener, NULL, NULL);
        if (conn < 0) {
            why = errno;
            if (why == EBADF || why == EINVAL || why == ENOTSOCK || why == EFAULT)
                break;
            if (why != EINTR)
                usleep(50000);
            continue;
        }
        judge(conn, allowed, count);
        close(conn);
    }
    close(ep);
    return why;
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un sun = { .sun_family = AF_UNIX };
    struct stat st, now;
    int why, fd;

    if (!path || !path[0] || (!allowed && count))
        return errno = EINVAL, -1;
    if (strlen(path) > 107)
        return errno = ENAMETOOLONG, -1;
    strcpy(sun.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&sun, sizeof sun) || lstat(path, &st)) {
        why = errno;
    } else {
        why = chmod(path, 0666) || listen(fd, 64) ? errno : loop(fd, allowed, count);
        if (!lstat(path, &now) && now.st_dev == st.st_dev && now.st_ino == st.st_ino)
            unlink(path);
    }
    close(fd);
    return errno = why, -1;
}
