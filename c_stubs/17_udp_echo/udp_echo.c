/* A UDP server: each datagram goes back to its sender, in capitals. */

#include "udp_echo.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Bind a UDP socket to port, on every IPv4 address of this machine.  Returns the
   socket, or -1 with errno set. */
static int bound_socket(const char *port)
{
    struct addrinfo hints, *candidates, *c;
    int server = -1, error, on = 1;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    error = getaddrinfo(NULL, port, &hints, &candidates);
    if (error != 0) {
        /* EAI_ codes are no errnos, except where they say so. */
        if (error != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (c = candidates; c != NULL && server == -1; c = c->ai_next) {
        server = socket(c->ai_family, c->ai_socktype, c->ai_protocol);
        if (server == -1)
            continue;
        setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(server, c->ai_addr, c->ai_addrlen) == -1)
            server = -1;
    }
    error = errno;
    freeaddrinfo(candidates);
    errno = error;
    return server;
}

/* Turn ASCII letters into capitals, and leave the other bytes alone. */
static void capitalise(char *data, ssize_t len)
{
    for (; len > 0; data++, len--)
        if (*data >= 'a' && *data <= 'z')
            *data += 'A' - 'a';
}

int serve(const char *port)
{
    char data[4096];
    struct sockaddr_storage client;
    socklen_t length = 0;
    ssize_t n;
    int server = bound_socket(port);

    if (server == -1)
        return -1;
    for (;;) {
        n = recvfrom(server, data, sizeof data, 0,
                     (struct sockaddr *)&client, &length);
        if (n == -1) {
            if (errno != EINTR)
                return give_up(server);
            continue;
        }
        if (n == 0)
            break;
        capitalise(data, n);
        connect(server, (struct sockaddr *)&client, length);
        if (sendto(server, data, (size_t)n, 0,
                   (struct sockaddr *)&client, length) == -1)
            return give_up(server);
    }
    close(server);
    return 0;
}
