/*
 * expect: fail
 * gap: other
 * cause: the result of joining the group is not looked at, so with an interface that this machine does not have hear waits for ever on a socket that joined nothing instead of reporting the error.
 * shows: when interface is a well-formed address of another machine (198.51.100.7): hear blocks instead of returning -1.
 * says: setsockopt(IP_ADD_MEMBERSHIP) failed with ENODEV, and the program waits for the group's datagrams all the same
 */
#define _GNU_SOURCE
#include "multicast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct spot {
    struct in_addr group, nic;
    struct addrinfo *ai;
};

static bool resolve_spot(struct spot *s, const char *group, const char *port, const char *nic)
{
    struct addrinfo hints = {
        .ai_family = AF_INET,
        .ai_socktype = SOCK_DGRAM,
        .ai_flags = AI_NUMERICHOST,
    };
    int rc;

    if (group == NULL || port == NULL || nic == NULL
        || inet_pton(AF_INET, group, &s->group) <= 0 || inet_pton(AF_INET, nic, &s->nic) <= 0
        || (ntohl(s->group.s_addr) & 0xf0000000u) != 0xe0000000u) {
        errno = EINVAL;
        return false;
    }
    rc = getaddrinfo(group, port, &hints, &s->ai);
    if (rc == 0)
        return true;
    if (rc != EAI_SYSTEM || errno == 0)
        errno = EINVAL;
    return false;
}

static void finish(struct spot *s, int fd)
{
    int keep = errno;

    freeaddrinfo(s->ai);
    if (fd >= 0)
        close(fd);
    errno = keep;
}

int announce(const char *group, const char *port, const char *interface, const void *message, size_t len)
{
    struct spot s;
    int fd, result = -1;

    if (message == NULL && len != 0) {
        errno = EINVAL;
        return -1;
    }
    if (!resolve_spot(&s, group, port, interface))
        return -1;
    fd = socket(s.ai->ai_family, s.ai->ai_socktype, s.ai->ai_protocol);
    if (fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &s.nic, sizeof s.nic) == 0) {
        ssize_t n;

        do {
            n = sendto(fd, message, len, 0, s.ai->ai_addr, s.ai->ai_addrlen);
        } while (n < 0 && errno == EINTR);
        if (n >= 0)
            result = 0;
    }
    finish(&s, fd);
    return result;
}

ssize_t hear(const char *group, const char *port, const char *interface, char *message, size_t size)
{
    struct spot s;
    struct ip_mreq join;
    int fd, on = 1;
    ssize_t n = -1;

    if (message == NULL && size != 0) {
        errno = EINVAL;
        return -1;
    }
    if (!resolve_spot(&s, group, port, interface))
        return -1;

    fd = socket(s.ai->ai_family, s.ai->ai_socktype, s.ai->ai_protocol);
    if (fd < 0)
        goto out;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0)
        goto out;
    if (bind(fd, s.ai->ai_addr, s.ai->ai_addrlen) < 0)
        goto out;

    join.imr_multiaddr = s.group;
    join.imr_interface = s.nic;
    setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join);

    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };

        if (poll(&p, 1, -1) < 0 && errno != EINTR)
            goto out;
        n = recv(fd, message, size, MSG_TRUNC | MSG_DONTWAIT);
        if (n >= 0)
            break;
        if (errno != EAGAIN && errno != EINTR)
            goto out;
    }
    if ((size_t)n > size) {
        errno = EMSGSIZE;
        n = -1;
    }
out:
    finish(&s, fd);
    return n;
}
