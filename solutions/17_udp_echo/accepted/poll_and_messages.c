/* A UDP server that asks poll() first, and moves datagrams with recvmsg() and
   sendmsg(). */

#define _GNU_SOURCE
#include "udp_echo.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_lost(int error)
{
    switch (error) {
    case EBADF:
    case EINVAL:
    case ENOTSOCK:
    case EFAULT:
        return true;
    }
    return false;
}

static int open_server(const char *port)
{
    const struct addrinfo hints = { .ai_family = AF_INET,
                                    .ai_socktype = SOCK_DGRAM,
                                    .ai_flags = AI_PASSIVE };
    struct addrinfo *list;
    int fd, error = getaddrinfo(NULL, port, &hints, &list);

    if (error) {
        if (error != EAI_SYSTEM)
            errno = EADDRNOTAVAIL;
        return -1;
    }
    error = 0;
    fd = socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, list->ai_addr, list->ai_addrlen) < 0)
        error = errno;
    freeaddrinfo(list);
    if (!error)
        return fd;
    if (fd >= 0)
        close(fd);
    errno = error;
    return -1;
}

int serve(const char *port)
{
    static unsigned char report[1 << 16];
    struct sockaddr_in from;
    struct pollfd wanted = { .fd = open_server(port), .events = POLLIN };

    if (wanted.fd < 0)
        return -1;
    while (1) {
        struct iovec part = { .iov_base = report, .iov_len = sizeof report };
        struct msghdr message = { .msg_name = &from, .msg_namelen = sizeof from,
                                  .msg_iov = &part, .msg_iovlen = 1 };
        ssize_t have, i;

        while (poll(&wanted, 1, -1) < 0 && errno == EINTR)
            ;
        have = recvmsg(wanted.fd, &message, MSG_DONTWAIT);
        if (have < 0) {
            if (is_lost(errno))
                break;
            continue;
        }
        for (i = 0; i < have; i++)
            if (isascii(report[i]))
                report[i] = (unsigned char)toupper(report[i]);
        part.iov_len = (size_t)have;
        while (sendmsg(wanted.fd, &message, 0) < 0 && errno == EINTR)
            ;
    }
    {
        int error = errno;

        close(wanted.fd);
        errno = error;
    }
    return -1;
}
