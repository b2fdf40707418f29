/* expect: fail
 * gap: other
 * cause: The group is joined by a second socket, which is never closed.
 * shows: Every call of hear().
 * says: is never closed
 */
#include "multicast.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
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
    struct ip_mreq join;
    int fd, one = 1, error;
    ssize_t n = -1;

    if (size && !message) {
        errno = EINVAL;
        return -1;
    }
    fd = prepare(group, port, interface, &to, &join.imr_interface);
    if (fd < 0)
        return -1;
    join.imr_multiaddr = to.sin_addr;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&to, sizeof to) < 0 ||
        setsockopt(socket(AF_INET, SOCK_DGRAM, 0), IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join) < 0)
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
