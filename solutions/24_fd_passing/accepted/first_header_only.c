/* One header, an array of numbers, and fcntl() for the flag. */

#include "fd_passing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST 16

int send_fd(int sock, int fd)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof fd)];
    struct iovec one = { "F", 1 };
    struct msghdr m;
    struct cmsghdr *c;

    memset(&m, 0, sizeof m);
    memset(room, 0, sizeof room);
    m.msg_iov = &one;
    m.msg_iovlen = 1;
    m.msg_control = room;
    m.msg_controllen = CMSG_LEN(sizeof fd);
    c = CMSG_FIRSTHDR(&m);
    c->cmsg_len = CMSG_LEN(sizeof fd);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    *(int *)(void *)CMSG_DATA(c) = fd;
    while (sendmsg(sock, &m, MSG_NOSIGNAL) != 1)
        if (errno != EINTR)
            return -1;
    return 0;
}

int recv_fd(int sock)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(MOST * sizeof(int))];
    int fds[MOST];
    size_t count = 0;
    char byte;
    ssize_t got;
    struct msghdr m;
    struct iovec one = { &byte, sizeof byte };
    struct cmsghdr *c;

again:
    memset(&m, 0, sizeof m);
    m.msg_iov = &one;
    m.msg_iovlen = 1;
    m.msg_control = room;
    m.msg_controllen = sizeof room;
    got = recvmsg(sock, &m, 0);
    if (got < 0) {
        if (errno == EINTR)
            goto again;
        return -1;
    }
    if (!got) {
        errno = ENODATA;
        return -1;
    }
    c = CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_type == SCM_RIGHTS) {
        count = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fds;
        memcpy(fds, CMSG_DATA(c), count * sizeof *fds);
    }
    if (!count) {
        errno = m.msg_flags & MSG_CTRUNC ? EMFILE : ENOMSG;
        return -1;
    }
    while (--count)
        close(fds[count]);
    fcntl(fds[0], F_SETFD, FD_CLOEXEC);
    return fds[0];
}
