/* epoll, and an answer by sendmsg(); what a client has said is read away afterwards. */

#define _GNU_SOURCE
#include "peer_credentials.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RETRY(result, call)                       \
    do                                            \
        (result) = (call);                        \
    while ((result) == -1 && errno == EINTR)

static int is_somebody(uid_t id)
{
    return id != (uid_t)-1;
}

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred *asked = &(struct ucred){ 0 };

    if (pid == NULL || uid == NULL || gid == NULL)
        errno = EINVAL;
    else if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, asked, &(socklen_t){ sizeof *asked }) == 0) {
        if (is_somebody(asked->uid)) {
            *pid = asked->pid;
            *uid = asked->uid;
            *gid = asked->gid;
            return 0;
        }
        errno = ENOTCONN;
    }
    return -1;
}

static int is_listed(unsigned id, const unsigned *list, size_t count)
{
    while (count-- > 0)
        if (list[count] == id)
            return 1;
    return 0;
}

static void tell(int fd, int yes)
{
    struct iovec part = { yes ? "welcome\n" : "denied\n", yes ? 8 : 7 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
    char waste[512];
    ssize_t n;

    while (part.iov_len > 0) {
        RETRY(n, sendmsg(fd, &message, MSG_NOSIGNAL));
        if (n == -1)
            return;
        part.iov_base = (char *)part.iov_base + n;
        part.iov_len -= (size_t)n;
    }
    shutdown(fd, SHUT_WR);
    while (recv(fd, waste, sizeof waste, MSG_DONTWAIT) > 0)
        ;
}

static int at_the_door(int listener, const unsigned *list, size_t count)
{
    struct epoll_event event = { .events = EPOLLIN };
    int poller = epoll_create1(EPOLL_CLOEXEC), fd, ready;

    if (poller == -1)
        return errno;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) == -1) {
        fd = errno;
        close(poller);
        return fd;
    }
    for (;;) {
        unsigned uid, gid;
        int pid;

        RETRY(ready, epoll_wait(poller, &event, 1, -1));
        RETRY(fd, accept4(listener, NULL, NULL, SOCK_CLOEXEC));
        if (fd == -1) {
            int error = errno;

            if (error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT) {
                close(poller);
                return error;
            }
            if (error != EAGAIN)
                clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 0, 5000000 }, NULL);
            continue;
        }
        tell(fd, peer_of(fd, &pid, &uid, &gid) == 0 && is_listed(uid, list, count));
        close(fd);
    }
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un a = { AF_UNIX, "" };
    struct stat mine, there;
    int listener, error;

    if (path[0] == 0 || (count && !allowed)) {
        errno = EINVAL;
        return -1;
    }
    if ((size_t)snprintf(a.sun_path, sizeof a.sun_path, "%s", path) >= sizeof a.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (listener == -1)
        return -1;
    error = bind(listener, (const void *)&a, SUN_LEN(&a) + 1) ? errno : 0;
    if (error == 0) {
        error = lstat(path, &mine) || chmod(path, 0666) || listen(listener, 8) ? errno : 0;
        if (error == 0)
            error = at_the_door(listener, allowed, count);
        if (lstat(path, &there) == 0 && there.st_dev == mine.st_dev && there.st_ino == mine.st_ino)
            unlink(path);
    }
    close(listener);
    errno = error;
    return -1;
}
