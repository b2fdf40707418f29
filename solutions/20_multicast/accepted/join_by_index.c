/* A listener that joins by the number of the interface. */

#include "multicast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int port_of(const char *port, in_port_t *number)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM }, *list;
    int rc = getaddrinfo(NULL, port, &hints, &list);

    if (rc) {
        errno = rc == EAI_SYSTEM ? errno : ENOENT;
        return -1;
    }
    *number = ((struct sockaddr_in *)list->ai_addr)->sin_port;
    freeaddrinfo(list);
    return 0;
}

/* A socket, with the address of the group's port and that of the interface. */
static int prepare(const char *group, const char *port, const char *interface,
                   struct sockaddr_in *to, struct in_addr *via)
{
    memset(to, 0, sizeof *to);
    to->sin_family = AF_INET;
    if (inet_pton(AF_INET, group, &to->sin_addr) <= 0 ||
        inet_pton(AF_INET, interface, via) <= 0 ||
        (ntohl(to->sin_addr.s_addr) & 0xf0000000u) != 0xe0000000u) {
        errno = EINVAL;
        return -1;
    }
    if (port_of(port, &to->sin_port) < 0)
        return -1;
    return socket(PF_INET, SOCK_DGRAM, IPPROTO_UDP);
}

/* The index of the interface that has an address; 0 where none has. */
static unsigned index_of(struct in_addr own)
{
    struct ifaddrs *all, *one;
    unsigned index = 0;

    if (getifaddrs(&all) == -1)
        return 0;
    for (one = all; one != NULL && index == 0; one = one->ifa_next)
        if (one->ifa_addr != NULL && one->ifa_addr->sa_family == AF_INET &&
            ((struct sockaddr_in *)one->ifa_addr)->sin_addr.s_addr == own.s_addr)
            index = if_nametoindex(one->ifa_name);
    freeifaddrs(all);
    if (index == 0)
        errno = ENODEV;
    return index;
}

int announce(const char *group, const char *port, const char *interface,
             const void *message, size_t len)
{
    struct sockaddr_in to;
    struct in_addr via;
    int fd, error = 0;

    if (len && !message) {
        errno = EINVAL;
        return -1;
    }
    fd = prepare(group, port, interface, &to, &via);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &via, sizeof via) < 0) {
        error = errno;
    } else {
        while (sendto(fd, message, len, 0, (struct sockaddr *)&to, sizeof to) < 0)
            if (errno != EINTR) {
                error = errno;
                break;
            }
    }
    close(fd);
    errno = error;
    return error ? -1 : 0;
}

ssize_t hear(const char *group, const char *port, const char *interface,
             char *message, size_t size)
{
    struct sockaddr_in to;
    struct group_req join;
    struct in_addr own;
    int fd, one = 1, error;
    ssize_t n = -1;

    if (size && !message) {
        errno = EINVAL;
        return -1;
    }
    fd = prepare(group, port, interface, &to, &own);
    if (fd < 0)
        return -1;
    memset(&join, 0, sizeof join);
    memcpy(&join.gr_group, &to, sizeof to);
    join.gr_interface = index_of(own);
    if (join.gr_interface == 0)
        goto out;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&to, sizeof to) < 0 ||
        setsockopt(fd, IPPROTO_IP, MCAST_JOIN_GROUP, &join, sizeof join) < 0)
        goto out;
    do
        n = recv(fd, message, size, MSG_TRUNC);
    while (n < 0 && errno == EINTR);
    if (n > (ssize_t)size) {
        errno = EMSGSIZE;
        n = -1;
    }
out:
    error = errno;
    close(fd);
    errno = error;
    return n;
}
