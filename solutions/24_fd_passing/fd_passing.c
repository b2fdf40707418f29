/* Hand an open descriptor to another process. */

#include "fd_passing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for a control message with one descriptor, aligned as such messages are. */
union rights {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

/* Report an error.  Returns -1. */
static int fail(int error)
{
    errno = error;
    return -1;
}

int send_fd(int sock, int fd)
{
    union rights rights = { 0 };
    char byte = 1;              /* how many descriptors; without it none is sent */
    struct iovec data = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = rights.room,
        .msg_controllen = sizeof rights.room,
    };
    ssize_t n;

    rights.head.cmsg_level = SOL_SOCKET;
    rights.head.cmsg_type = SCM_RIGHTS;
    rights.head.cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(&rights.head), &fd, sizeof fd);
    do
        n = sendmsg(sock, &message, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -1 : 0;
}

int recv_fd(int sock)
{
    union rights rights;
    char byte = 0;
    struct iovec data = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = rights.room,
        .msg_controllen = sizeof rights.room,
    };
    struct cmsghdr *head;
    int found = -1;
    ssize_t n;

    do
        n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return -1;
    if (n == 0)
        return fail(ENODATA);
    for (head = CMSG_FIRSTHDR(&message); head != NULL;
         head = CMSG_NXTHDR(&message, head)) {
        size_t at;

        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        for (at = CMSG_LEN(0); at < head->cmsg_len; at += sizeof(int)) {
            int fd;

            memcpy(&fd, (char *)head + at, sizeof fd);
            if (found == -1)
                found = fd;
            else
                close(fd);      /* surplus */
        }
    }
    if (found == -1)
        return fail(message.msg_flags & MSG_CTRUNC ? EMFILE : ENOMSG);
    return found;
}
