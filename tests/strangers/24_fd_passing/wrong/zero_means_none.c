/* expect: fail
 * gap: other
 * cause: A descriptor whose number is 0 is taken for none.
 * shows: A caller that has closed its standard input.
 * says: has brought descriptor 0
 */
#include "fd_passing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int send_fd(int sock, int fd)
{
    union { struct cmsghdr h; char b[CMSG_SPACE(sizeof(int))]; } u;
    char byte = 'f';
    struct iovec v = { &byte, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u };
    ssize_t n;

    memset(&u, 0, sizeof u);
    u.h.cmsg_level = SOL_SOCKET;
    u.h.cmsg_type = SCM_RIGHTS;
    u.h.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&u.h), &fd, sizeof fd);
    do
        n = sendmsg(sock, &m, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -1 : 0;
}

int recv_fd(int sock)
{
    union { struct cmsghdr h; char b[CMSG_SPACE(4 * sizeof(int))]; } u;
    char byte;
    struct iovec v = { &byte, 1 };
    struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &u, .msg_controllen = sizeof u };
    int fds[4];
    size_t count = 0, i;
    ssize_t n;

    do
        n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return -1;
    if (n == 0) {
        errno = ENODATA;
        return -1;
    }
    if (CMSG_FIRSTHDR(&m) != NULL) {
        count = (u.h.cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(fds, CMSG_DATA(&u.h), count * sizeof(int));
    }
    for (i = 1; i < count; i++)
        close(fds[i]);
    if (count > 0 && fds[0] > 0)
        return fds[0];
    errno = m.msg_flags & MSG_CTRUNC ? EMFILE : ENOMSG;
    return -1;
}
