/*
 * expect: fail
 * gap: other
 * cause: sizeof of the array counts the zero at its end: 45 bytes are sent.
 * shows: The client receives a zero byte after the 44 bytes of the greeting.
 * says: the last of them the zero that ends the text; the answer has 44
 */
#include "tcp_server.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char GREETING[] = "Hi client - you have successfully connected!";
#define GREETING_LENGTH sizeof GREETING

static void shut(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
}

static int bound_socket(const struct addrinfo *list)
{
    const struct addrinfo *p;
    int fd, yes = 1;

    errno = EADDRNOTAVAIL;
    for (p = list; p != NULL; p = p->ai_next) {
        fd = socket(p->ai_family, p->ai_socktype, p->ai_protocol);
        if (fd == -1)
            continue;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 && bind(fd, p->ai_addr, p->ai_addrlen) == 0)
            return fd;
        shut(fd);
    }
    return -1;
}

static int greet(int fd)
{
    size_t sent = 0;

    while (sent < GREETING_LENGTH) {
        ssize_t n = send(fd, GREETING + sent, GREETING_LENGTH - sent, MSG_NOSIGNAL);

        if (n >= 0)
            sent += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

int greet_one(const char *port)
{
    struct addrinfo hints, *list;
    int listener, client, rc, error;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    listener = bound_socket(list);
    error = errno;
    freeaddrinfo(list);
    errno = error;
    if (listener == -1)
        return -1;
    if (listen(listener, 1) == -1) {
        shut(listener);
        return -1;
    }
    do
        client = accept(listener, NULL, NULL);
    while (client == -1 && errno == EINTR);
    shut(listener);
    if (client == -1)
        return -1;
    rc = greet(client);
    shut(client);
    return rc;
}
