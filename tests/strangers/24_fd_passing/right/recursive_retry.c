/* expect: pass
 * gap: none
 * cause: calls itself again after EINTR; the descriptor is duplicated close-on-exec
 * shows: -
 */
#include "fd_passing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct control { struct cmsghdr head; int fds[4]; };

int send_fd(int sock, int fd)
{
    struct control control = { { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS }, { fd } };
    char data = 'D';
    struct iovec iov = { .iov_base = &data, .iov_len = sizeof data };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                          .msg_controllen = CMSG_LEN(sizeof(int)) };

    if (sendmsg(sock, &msg, MSG_NOSIGNAL) >= 0)
        return 0;
    return errno == EINTR ? send_fd(sock, fd) : -1;
}

int recv_fd(int sock)
{
    struct control control;
    char data;
    struct iovec iov = { .iov_base = &data, .iov_len = sizeof data };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
                          .msg_controllen = sizeof control };
    int count, i;

    switch (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC)) {
    case -1:
        return errno == EINTR ? recv_fd(sock) : -1;
    case 0:
        errno = ENODATA;
        return -1;
    }
    count = msg.msg_controllen == 0 ? 0 : (int)((control.head.cmsg_len - CMSG_LEN(0)) / sizeof(int));
    for (i = 1; i < count; i++)
        close(control.fds[i]);
    if (count > 0)
        return control.fds[0];
    errno = ENOMSG;
    if (msg.msg_flags & MSG_CTRUNC)
        errno = EMFILE;
    return -1;
}
