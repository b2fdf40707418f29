/*
 * expect: fail
 * gap: other
 * cause: the number of descriptors is taken as cmsg_len / sizeof(int), but cmsg_len counts the header as well; four ints too many are read behind the last descriptor and closed as surplus, and in the zeroed buffer they are all 0
 * shows: after every recv_fd: the caller's descriptor 0 is closed
 * says: closes a descriptor that was closed at
 */
#define _GNU_SOURCE
#include "fd_passing.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONTROL 4096

static ssize_t get_message(int sock, struct msghdr *m, void *control)
{
    ssize_t n;

    do {
        memset(control, 0, CONTROL);
        m->msg_control = control;
        m->msg_controllen = CONTROL;
        m->msg_flags = 0;
        n = recvmsg(sock, m, MSG_CMSG_CLOEXEC);
    } while (n < 0 && errno == EINTR);
    return n;
}

int recv_fd(int sock)
{
    _Alignas(struct cmsghdr) char control[CONTROL];
    char c;
    struct iovec v = { &c, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
    int kept = -1;

    ssize_t n = get_message(sock, &m, control);
    if (n < 0)
        return -1;
    if (n == 0) {
        errno = ENODATA;
        return -1;
    }
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h != NULL; h = CMSG_NXTHDR(&m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        const int *fds = (const int *)CMSG_DATA(h);
        int count = (int)(h->cmsg_len / sizeof(int));
        if (kept < 0)
            kept = fds[0];
        for (int i = 1; i < count; i++)
            close(fds[i]);
    }
    if (kept < 0)
        errno = m.msg_flags & MSG_CTRUNC ? EMFILE : ENOMSG;
    return kept;
}

int send_fd(int sock, int fd)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
    char c = '*';
    struct iovec v = { &c, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    ssize_t n;

    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int));
    *(int *)CMSG_DATA(h) = fd;
    do
        n = sendmsg(sock, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}
