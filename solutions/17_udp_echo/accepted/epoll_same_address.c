/* A UDP server behind epoll, which answers from the very address that was
   written to. */

#define _GNU_SOURCE
#include "udp_echo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int bind_to(const char *port)
{
    struct addrinfo hints, *all, *one;
    int fd = -1, yes = 1, error;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = PF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_protocol = IPPROTO_UDP;
    hints.ai_flags = AI_PASSIVE;
    error = getaddrinfo(NULL, port, &hints, &all);
    if (error != 0) {
        if (error != EAI_SYSTEM)
            errno = ENOENT;
        return -1;
    }
    for (one = all; one; one = one->ai_next) {
        fd = socket(one->ai_family, one->ai_socktype | SOCK_NONBLOCK, one->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &yes, sizeof yes) == 0 &&
            bind(fd, one->ai_addr, one->ai_addrlen) == 0)
            break;
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(all);
    if (fd == -1)
        errno = error;
    return fd;
}

/* Take datagrams until none is left.  Whether the socket is still good. */
static int answer_all(int fd)
{
    char data[65535];
    char control[CMSG_SPACE(sizeof(struct in_pktinfo))];

    for (;;) {
        struct sockaddr_in who;
        struct iovec iov = { data, sizeof data };
        struct msghdr m = { &who, sizeof who, &iov, 1, control, sizeof control, 0 };
        struct cmsghdr *c;
        ssize_t n = recvmsg(fd, &m, 0), i;

        if (n == -1) {
            if (errno == EAGAIN)
                return 1;
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
                return 0;
            continue;
        }
        for (c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
                struct in_pktinfo info;

                memcpy(&info, CMSG_DATA(c), sizeof info);
                info.ipi_ifindex = 0;
                info.ipi_spec_dst = info.ipi_addr;
                memcpy(CMSG_DATA(c), &info, sizeof info);
            }
        for (i = 0; i < n; i++)
            if ('a' <= data[i] && data[i] <= 'z')
                data[i] = (char)(data[i] & ~0x20);
        iov.iov_len = (size_t)n;
        while (sendmsg(fd, &m, 0) == -1 && errno == EINTR)
            continue;
    }
}

int serve(const char *port)
{
    struct epoll_event wanted = { .events = EPOLLIN }, happened;
    int fd = bind_to(port), poller, error;

    if (fd == -1)
        return -1;
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller == -1)
        goto failed;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted) == -1)
        goto failed;
    do
        while (epoll_wait(poller, &happened, 1, -1) == -1)
            if (errno != EINTR)
                goto failed;
    while (answer_all(fd));
failed:
    error = errno;
    if (poller != -1)
        close(poller);
    close(fd);
    errno = error;
    return -1;
}
