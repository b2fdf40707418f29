/* sendmmsg() and recvmmsg() for a single message; room for exactly one descriptor. */

#define _GNU_SOURCE
#include "fd_passing.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

struct letter {
    struct mmsghdr header;
    struct iovec body;
    char byte;
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
};

/* A letter of one byte, with an envelope for one descriptor, and for no more. */
static void prepare(struct letter *letter)
{
    memset(letter, 0, sizeof *letter);
    letter->body.iov_base = &letter->byte;
    letter->body.iov_len = 1;
    letter->header.msg_hdr.msg_iov = &letter->body;
    letter->header.msg_hdr.msg_iovlen = 1;
    letter->header.msg_hdr.msg_control = &letter->control;
    letter->header.msg_hdr.msg_controllen = CMSG_LEN(sizeof(int));
}

int send_fd(int sock, int fd)
{
    struct letter letter;
    struct cmsghdr *rights;
    int sent;

    prepare(&letter);
    rights = CMSG_FIRSTHDR(&letter.header.msg_hdr);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    do {
        sent = sendmmsg(sock, &letter.header, 1, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == 1 ? 0 : -1;
}

int recv_fd(int sock)
{
    struct letter letter;
    struct cmsghdr *rights;
    int received, fd = -1;

    prepare(&letter);
    do {
        received = recvmmsg(sock, &letter.header, 1, MSG_CMSG_CLOEXEC, NULL);
    } while (received < 0 && errno == EINTR);
    if (received == 1 && letter.header.msg_len == 0) {
        errno = ENODATA;
    } else if (received == 1) {
        rights = CMSG_FIRSTHDR(&letter.header.msg_hdr);
        if (rights != NULL)
            memcpy(&fd, CMSG_DATA(rights), sizeof fd);
        else if (letter.header.msg_hdr.msg_flags & MSG_CTRUNC)
            errno = EMFILE;
        else
            errno = ENOMSG;
    }
    return fd;
}
