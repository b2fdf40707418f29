/*
 * expect: fail
 * gap: other
 * cause: the descriptor that came is always duplicated to a number above 2 and the original closed; the copy needs a second free number, and where the first was the last one the call fails with EMFILE though the descriptor had come
 * shows: when the receiver has room for exactly one more descriptor: EMFILE, and the descriptor is lost
 * says: has brought descriptor 4 beside the byte 0x21 and MSG_CTRUNC, and recv_fd() failed with EMFILE
 */
#define _GNU_SOURCE
#include "fd_passing.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_FREE = 3 };

/* a received descriptor must not be taken for one of the standard streams */
static int above_stdio(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    int why = errno;
    close(fd);
    errno = why;
    return copy;
}

int send_fd(int sock, int fd)
{
    struct { struct cmsghdr head; int fd; int pad; } c = {
        { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS }, fd, 0
    };
    struct iovec v = { "m", 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof c };

    while (sendmsg(sock, &m, MSG_NOSIGNAL) == -1)
        if (errno != EINTR)
            return -1;
    return 0;
}

int recv_fd(int sock)
{
    size_t buffer[1000];
    char byte;
    struct iovec v = { &byte, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = buffer, .msg_controllen = sizeof buffer };
    int first = -1, fd;
    ssize_t n;

    while ((n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC)) == -1)
        if (errno != EINTR)
            return -1;
    if (n == 0) {
        errno = ENODATA;
        return -1;
    }
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = CMSG_LEN(0); at + sizeof fd <= h->cmsg_len; at += sizeof fd) {
            memcpy(&fd, (char *)h + at, sizeof fd);
            if (first == -1)
                first = fd;
            else
                close(fd);
        }
    }
    if (first == -1) {
        errno = m.msg_flags & MSG_CTRUNC ? EMFILE : ENOMSG;
        return -1;
    }
    return above_stdio(first);
}
