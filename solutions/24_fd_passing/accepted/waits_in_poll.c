/* poll() does the waiting; calls that do not wait do the rest. */

#include "fd_passing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool wait_for(int sock, short event)
{
    struct pollfd p = { .fd = sock, .events = event };

    while (poll(&p, 1, -1) == -1)
        if (errno != EINTR)
            return false;
    return true;
}

static bool is_for_later(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

int send_fd(int sock, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } u;
    unsigned char nothing = 0;
    struct iovec vector[1] = { { &nothing, 1 } };
    struct msghdr message = { NULL, 0, vector, 1, &u, sizeof u.bytes, 0 };

    if (fcntl(fd, F_GETFD) == -1)
        return -1;
    memset(&u, 0, sizeof u);
    u.header.cmsg_len = CMSG_LEN(sizeof(int));
    u.header.cmsg_level = SOL_SOCKET;
    u.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&u.header), &fd, sizeof(int));
    for (;;) {
        if (sendmsg(sock, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
            return 0;
        if (!is_for_later(errno) || !wait_for(sock, POLLOUT))
            return -1;
    }
}

int recv_fd(int sock)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } u;
    char data;
    struct iovec vector[1] = { { &data, 1 } };

    for (;;) {
        struct msghdr message = { NULL, 0, vector, 1, &u, sizeof u, 0 };
        ssize_t got = recvmsg(sock, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        int pair[2] = { -1, -1 };

        if (got == -1) {
            if (!is_for_later(errno) || !wait_for(sock, POLLIN))
                return -1;
            continue;
        }
        if (got == 0)
            errno = ENODATA;
        else if (message.msg_controllen >= CMSG_LEN(sizeof(int)))
            memcpy(pair, CMSG_DATA(&u.header), u.header.cmsg_len - CMSG_LEN(0));
        else
            errno = message.msg_flags & MSG_CTRUNC ? EMFILE : ENOMSG;
        if (pair[1] != -1)
            close(pair[1]);
        return pair[0];
    }
}
