/*
 * expect: fail
 * gap: other
 * cause: a control message is accepted only if its length is that of exactly one descriptor, as in many textbooks; one with more is refused with ENOMSG, and the descriptors in it, which the kernel has installed already, are never closed
 * shows: when the sender passes two descriptors or more: ENOMSG instead of the first, and all of them are leaked
 * says: has brought descriptor 7 beside the byte 0x21, and recv_fd() failed with ENOMSG
 */
#define _GNU_SOURCE
#include "fd_passing.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define ROOM 4096

int send_fd(int sock, int fd)
{
    _Alignas(struct cmsghdr) char room[CMSG_SPACE(sizeof fd)];
    struct iovec iov[1] = { { "", 1 } };
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room };
    struct cmsghdr *c;

    memset(room, 0, sizeof room);
    c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    for (;;) {
        ssize_t n = sendmsg(sock, &msg, MSG_NOSIGNAL);
        if (n == 1)
            return 0;
        if (n == -1 && errno != EINTR)
            return -1;
    }
}

int recv_fd(int sock)
{
    _Alignas(struct cmsghdr) char room[ROOM];
    char byte;
    struct iovec iov[1] = { { &byte, 1 } };
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 };
    struct cmsghdr *c;
    ssize_t n;
    int fd;

    do {
        msg.msg_control = room;
        msg.msg_controllen = ROOM;
        n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
    } while (n == -1 && errno == EINTR);
    if (n == -1)
        return -1;
    if (n == 0) {
        errno = ENODATA;
        return -1;
    }
    for (c = CMSG_FIRSTHDR(&msg); c != NULL; c = CMSG_NXTHDR(&msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int))) {
            memcpy(&fd, CMSG_DATA(c), sizeof fd);
            return fd;
        }
    errno = (msg.msg_flags & MSG_CTRUNC) ? EMFILE : ENOMSG;
    return -1;
}
