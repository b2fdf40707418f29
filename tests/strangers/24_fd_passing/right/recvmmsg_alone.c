/* expect: pass
 * gap: none
 * cause: recvmmsg() for one message, MSG_WAITFORONE; sendmsg() by two headers' worth of macros
 * shows: -
 */
#define _GNU_SOURCE
#include "fd_passing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int send_fd(int sock, int fd)
{
    char b = 'b';
    _Alignas(8) char room[CMSG_SPACE(sizeof fd)] = { 0 };
    struct msghdr m = { .msg_iov = &(struct iovec){ &b, 1 }, .msg_iovlen = 1,
                        .msg_control = room, .msg_controllen = sizeof room };
    *CMSG_FIRSTHDR(&m) = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof fd),
                                           .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof fd);
    return TEMP_FAILURE_RETRY(sendmsg(sock, &m, MSG_NOSIGNAL)) == 1 ? 0 : -1;
}

int recv_fd(int sock)
{
    char b;
    _Alignas(8) char room[64];
    struct mmsghdr m = { .msg_hdr = { .msg_iov = &(struct iovec){ &b, 1 }, .msg_iovlen = 1,
                                      .msg_control = room, .msg_controllen = sizeof room } };
    int kept = -1;

    if (TEMP_FAILURE_RETRY(recvmmsg(sock, &m, 1, MSG_CMSG_CLOEXEC | MSG_WAITFORONE, NULL)) < 0)
        return -1;
    if (m.msg_len == 0) {
        errno = ENODATA;
        return -1;
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m.msg_hdr); c; c = CMSG_NXTHDR(&m.msg_hdr, c))
        for (unsigned char *p = CMSG_DATA(c), *end = (unsigned char *)c + c->cmsg_len; p < end; p += sizeof(int)) {
            int fd;
            memcpy(&fd, p, sizeof fd);
            if (kept == -1)
                kept = fd;
            else
                close(fd);
        }
    if (kept == -1)
        errno = m.msg_hdr.msg_flags & MSG_CTRUNC ? EMFILE : ENOMSG;
    return kept;
}
