/* expect: pass
 * gap: none
 * cause: SIGPIPE is blocked around sendmsg(), and taken off with sigtimedwait(), instead of MSG_NOSIGNAL
 * shows: -
 */
#define _GNU_SOURCE
#include "fd_passing.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int send_fd(int sock, int fd)
{
    union { struct cmsghdr h; char b[CMSG_SPACE(sizeof(int))]; } u;
    char x = 'x';
    struct iovec v = { &x, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u.b };
    sigset_t pipe, before, pending;
    struct timespec none = { 0, 0 };
    ssize_t n;
    int error;

    memset(&u, 0, sizeof u);
    u.h.cmsg_level = SOL_SOCKET;
    u.h.cmsg_type = SCM_RIGHTS;
    u.h.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&u.h), &fd, sizeof fd);
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    do
        n = sendmsg(sock, &m, 0);
    while (n < 0 && errno == EINTR);
    error = errno;
    if (n < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe, NULL, &none);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n < 0 ? -1 : 0;
}

int recv_fd(int sock)
{
    union { struct cmsghdr h; char b[CMSG_LEN(sizeof(int))]; } u;
    char x;
    struct iovec v = { &x, 1 };
    struct msghdr m;
    ssize_t n;
    int fd;

    do {
        m = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = CMSG_LEN(sizeof fd) };
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    if (n > 0 && m.msg_controllen >= CMSG_LEN(sizeof fd)) {
        memcpy(&fd, CMSG_DATA(&u.h), sizeof fd);
        return fd;
    }
    errno = n == 0 ? ENODATA : m.msg_flags & MSG_CTRUNC ? EMFILE : ENOMSG;
    return -1;
}
