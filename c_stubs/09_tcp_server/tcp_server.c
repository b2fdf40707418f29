/* A server for one client: greet it, and be done. */

#include "tcp_server.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char greeting[] = "Hi client - you have successfully connected!";

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
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

int greet_one(const char *port)
{
    int listener, connection;
    int error = 0;
    struct addrinfo hints, *candidates, *c;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    error = getaddrinfo(NULL, port, &hints, &candidates);
    if (error != 0)
        return -1;

    /* Take the first candidate that can be bound. */
    for (c = candidates; c != NULL; c = c->ai_next) {
        connection = socket(c->ai_family, c->ai_socktype, c->ai_protocol);
        if (connection == -1) {
            error = errno;
            continue;
        }
        if (bind(listener, c->ai_addr, c->ai_addrlen) == 0)
            break;
        error = errno;
    }
    if (c == NULL) {
        errno = error;
        return -1;
    }

    if (listen(listener, 10) == -1)
        return -1;
    connection = accept(listener, NULL, NULL);
    if (connection == -1)
        return -1;

    if (send_all(connection, greeting, 13) == -1)
        return give_up(connection);
    close(connection);
    close(listener);
    return 0;
}
