/*
 * expect: pass
 * gap: none
 * cause: ip_mreqn with the interface's address for both directions, bound to the group, truncation told by msg_flags.
 * shows: never
 */
#define _GNU_SOURCE
#include "multicast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef IP_MULTICAST_ALL
#define IP_MULTICAST_ALL 49
#endif

struct place {
    struct sockaddr_in group;
    struct ip_mreqn via;
};

static int find(struct place *p, const char *group, const char *port, const char *interface)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_NUMERICHOST };
    struct addrinfo *list = NULL;
    int rc;

    memset(p, 0, sizeof *p);
    if (group == NULL || port == NULL || interface == NULL
        || inet_pton(AF_INET, group, &p->via.imr_multiaddr) != 1
        || inet_pton(AF_INET, interface, &p->via.imr_address) != 1
        || !IN_MULTICAST(ntohl(p->via.imr_multiaddr.s_addr))) {
        errno = EINVAL;
        return -1;
    }
    rc = getaddrinfo(group, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM || errno == 0)
            errno = ENOENT;
        return -1;
    }
    memcpy(&p->group, list->ai_addr, sizeof p->group);
    freeaddrinfo(list);
    return 0;
}

static int done(int fd, ssize_t result)
{
    int why = errno;

    if (fd != -1)
        close(fd);
    errno = why;
    return (int)result;
}

int announce(const char *group, const char *port, const char *interface, const void *message, size_t len)
{
    struct place p;
    ssize_t n;
    int fd;

    if (message == NULL && len > 0) {
        errno = EINVAL;
        return -1;
    }
    if (find(&p, group, port, interface) == -1)
        return -1;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &p.via, sizeof p.via) == -1)
        return done(fd, -1);
    do
        n = sendto(fd, message, len, 0, (struct sockaddr *)&p.group, sizeof p.group);
    while (n == -1 && errno == EINTR);
    return done(fd, n == -1 ? -1 : 0);
}

ssize_t hear(const char *group, const char *port, const char *interface, char *message, size_t size)
{
    const int on = 1, off = 0;
    struct place p;
    struct iovec room = { message, size };
    struct msghdr m;
    ssize_t n;
    int fd;

    if (message == NULL && size > 0) {
        errno = EINVAL;
        return -1;
    }
    if (find(&p, group, port, interface) == -1)
        return -1;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1
        || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1
        || setsockopt(fd, IPPROTO_IP, IP_MULTICAST_ALL, &off, sizeof off) == -1
        || bind(fd, (struct sockaddr *)&p.group, sizeof p.group) == -1
        || setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &p.via, sizeof p.via) == -1)
        return done(fd, -1);
    do {
        memset(&m, 0, sizeof m);
        m.msg_iov = &room;
        m.msg_iovlen = 1;
        n = recvmsg(fd, &m, 0);
    } while (n == -1 && errno == EINTR);
    if (n != -1 && (m.msg_flags & MSG_TRUNC) != 0) {
        errno = EMSGSIZE;
        n = -1;
    }
    return done(fd, n);
}
