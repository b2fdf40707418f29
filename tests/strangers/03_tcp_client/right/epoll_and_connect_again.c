/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#define _GNU_SOURCE
#include "tcp_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* After a signal the kernel goes on with it; asking again tells how far it is. */
static int connect_fully(int fd, const struct sockaddr *to, socklen_t length)
{
    while (connect(fd, to, length) == -1) {
        switch (errno) {
        case EISCONN:
            return 0;
        case EINTR:
            continue;
        case EALREADY: {
            struct pollfd p = { fd, POLLOUT, 0 };
            if (poll(&p, 1, 50) == -1 && errno != EINTR)
                return -1;
            continue;
        }
        default:
            return -1;
        }
    }
    return 0;
}

static int open_to(const char *host, const char *port)
{
    struct addrinfo hints = { 0 }, *first, *this;
    int sock = -1, problem = ECONNREFUSED;
    int rc;

    hints.ai_socktype = SOCK_STREAM;
    rc = getaddrinfo(host, port, &hints, &first);
    if (rc == EAI_SYSTEM)
        return -1;
    if (rc) {
        errno = EINVAL;
        return -1;
    }
    for (this = first; this; this = this->ai_next) {
        sock = socket(this->ai_family, this->ai_socktype, this->ai_protocol);
        if (sock >= 0 && connect_fully(sock, this->ai_addr, this->ai_addrlen) == 0)
            break;
        problem = errno;
        if (sock >= 0) {
            close(sock);
            sock = -1;
        }
    }
    freeaddrinfo(first);
    if (sock < 0)
        errno = problem;
    return sock;
}

/* Waits in slices of half a second; 1 when there is something, -1 on error. */
static int await(int ep)
{
    struct epoll_event seen;
    int n;

    do
        n = epoll_wait(ep, &seen, 1, 500);
    while (n == 0 || (n == -1 && errno == EINTR));
    return n;
}

ssize_t fetch(const char *host, const char *port, char *reply, size_t size)
{
    struct epoll_event interest = { .events = EPOLLIN };
    char surplus;
    ssize_t total = 0, n;
    int sock, ep, problem = 0;

    if (!host || !port || (size && !reply)) {
        errno = EINVAL;
        return -1;
    }
    sock = open_to(host, port);
    if (sock < 0)
        return -1;
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, sock, &interest) < 0)
        problem = errno;
    while (!problem) {
        if (await(ep) < 0) {
            problem = errno;
            break;
        }
        if ((size_t)total < size)
            n = recv(sock, reply + total, size - (size_t)total, MSG_DONTWAIT);
        else
            n = recv(sock, &surplus, sizeof surplus, MSG_DONTWAIT);
        if (n == 0)
            break;
        if (n > 0 && (size_t)total == size)
            problem = EMSGSIZE;
        else if (n > 0)
            total += n;
        else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            problem = errno;
    }
    if (ep >= 0)
        close(ep);
    close(sock);
    if (problem) {
        errno = problem;
        return -1;
    }
    return total;
}
