/* Announce to a multicast group, and hear one. */

#include "multicast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Report a bad argument. */
static int refuse(void)
{
    errno = EINVAL;
    return -1;
}

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Fill in the address of a group's port.  Returns 0, or -1 with errno set. */
static int find(const char *group, const char *port, struct sockaddr_in *address)
{
    struct addrinfo hints, *found;
    struct in_addr number;
    int error;

    if (inet_pton(AF_INET, group, &number) != 1)
        return refuse();
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    error = getaddrinfo(group, port, &hints, &found);
    if (error != 0) {
        /* EAI_ codes are no errnos, except where they say so. */
        if (error != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    memcpy(address, found->ai_addr, sizeof *address);
    freeaddrinfo(found);
    return 0;
}

int announce(const char *group, const char *port, const char *interface,
             const void *message, size_t len)
{
    const unsigned char ttl = 32;
    struct sockaddr_in address;
    struct in_addr source;
    ssize_t n;
    int fd;

    if ((message == NULL && len > 0) || inet_pton(AF_INET, interface, &source) != 1)
        return refuse();
    if (find(group, port, &address) == -1)
        return -1;
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd == -1)
        return -1;
    if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof ttl) == -1)
        return give_up(fd);
    do
        n = sendto(fd, message, len, 0, (struct sockaddr *)&address, sizeof address);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return give_up(fd);
    close(fd);
    return 0;
}

ssize_t hear(const char *group, const char *port, const char *interface,
             char *message, size_t size)
{
    struct sockaddr_in address;
    struct ip_mreq membership;
    ssize_t n;
    int fd;

    if ((message == NULL && size > 0) ||
        inet_pton(AF_INET, interface, &membership.imr_interface) != 1)
        return refuse();
    if (find(group, port, &address) == -1)
        return -1;
    membership.imr_multiaddr = address.sin_addr;
    membership.imr_interface.s_addr = htonl(INADDR_ANY);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd == -1)
        return -1;
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == -1)
        return give_up(fd);
    do
        n = recv(fd, message, size, 0);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return give_up(fd);
    close(fd);
    return n;
}
