/* An echo server: one client after the other, for ever. */

#include "echo_server.h"

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

/* Listen on port, on every IPv4 address of this machine.  Returns the listening
   socket, or -1 with errno set. */
static int listen_on(const char *port)
{
    struct addrinfo hints, *candidates, *c;
    int listener = -1, error;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;        /* addresses to accept on */
    error = getaddrinfo(NULL, port, &hints, &candidates);
    if (error != 0) {
        /* EAI_ codes are no errnos, except where they say so. */
        if (error != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (c = candidates; c != NULL && listener == -1; c = c->ai_next) {
        listener = socket(c->ai_family, c->ai_socktype, c->ai_protocol);
        if (listener == -1)
            continue;
        if (bind(listener, c->ai_addr, c->ai_addrlen) == -1 ||
            listen(listener, 10) == -1)
            listener = -1;
    }
    error = errno;
    freeaddrinfo(candidates);
    errno = error;
    return listener;
}

/* Send all len bytes of data on fd.  Returns 0, or -1 with errno set. */
static int send_all(int fd, const char *data, size_t len)
{
    if (len > 0) {
        ssize_t n;

        n = send(fd, data, len, 0);
        if (n == -1)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Send back what comes in on fd, until end-of-file or an error. */
static void echo(int fd)
{
    char data[4096];

    for (;;) {
        ssize_t n;

        n = recv(fd, data, sizeof data, 0);
        if (n == -1 || send_all(fd, data, (size_t)n) == -1)
            return;             /* the client is gone */
    }
}

int serve(const char *port)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    int listener = listen_on(port);

    if (listener == -1)
        return -1;
    for (;;) {
        int connection = accept(listener, (struct sockaddr *)&address, &length);

        if (connection == -1) {
            if (errno != EINTR)
                return give_up(listener);
            continue;
        }
        echo(listener);
        close(listener);
        return 0;
    }
}
