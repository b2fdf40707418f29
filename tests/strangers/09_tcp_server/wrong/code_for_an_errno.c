/*
 * expect: fail
 * gap: lost-eai-code
 * cause: The code of getaddrinfo(), which is negative, is put into errno.
 * shows: A service that does not exist.
 * says: which no error of the system has
 */
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
    while (len > 0) {
        ssize_t n;

        do
            n = send(fd, data, len, MSG_NOSIGNAL);
        while (n == -1 && errno == EINTR);
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
    int error = 0, on = 1;
    struct addrinfo hints, *candidates, *c;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;        /* addresses to accept on */
    error = getaddrinfo(NULL, port, &hints, &candidates);
    if (error != 0) {
        /* EAI_ codes are no errnos, except where they say so. */
        if (error != EAI_SYSTEM)
            errno = error;
        return -1;
    }

    /* Take the first candidate that can be bound. */
    for (c = candidates; c != NULL; c = c->ai_next) {
        listener = socket(c->ai_family, c->ai_socktype, c->ai_protocol);
        if (listener == -1) {
            error = errno;
            continue;
        }
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(listener, c->ai_addr, c->ai_addrlen) == 0)
            break;
        error = errno;
        close(listener);
    }
    freeaddrinfo(candidates);
    if (c == NULL) {
        errno = error;
        return -1;
    }

    if (listen(listener, 10) == -1)
        return give_up(listener);
    do
        connection = accept(listener, NULL, NULL);
    while (connection == -1 && errno == EINTR);
    if (connection == -1)
        return give_up(listener);
    close(listener);            /* one client is all there will be */

    if (send_all(connection, greeting, sizeof greeting - 1) == -1)
        return give_up(connection);
    close(connection);
    return 0;
}
