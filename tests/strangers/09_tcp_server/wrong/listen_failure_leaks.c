/*
 * expect: fail
 * gap: leaked-listener
 * cause: bind() may succeed and listen() say EADDRINUSE (two sockets with SO_REUSEADDR bound to one port, the other listens first): that way out does not close the socket.
 * shows: listen() fails.
 */
#include "tcp_server.h"

#include <errno.h>
#include <netdb.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

static int bind_first(const char *port)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *all, *a;
    int s = -1, yes = 1, why = 0;

    switch (getaddrinfo(NULL, port, &hints, &all)) {
    case 0:
        break;
    case EAI_SYSTEM:
        return -1;
    default:
        errno = EINVAL;
        return -1;
    }
    for (a = all; a; a = a->ai_next) {
        s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (s < 0) {
            why = errno;
            continue;
        }
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind(s, a->ai_addr, a->ai_addrlen) == 0)
            break;
        why = errno;
        close(s);
        s = -1;
    }
    freeaddrinfo(all);
    if (s < 0)
        errno = why;
    return s;
}

int greet_one(const char *port)
{
    static const char greeting[44] = "Hi client - you have successfully connected!";
    int s, c, why = 0;
    size_t at = 0;

    if (!port) {
        errno = EINVAL;
        return -1;
    }
    s = bind_first(port);
    if (s < 0)
        return -1;
    if (listen(s, 5) < 0)
        return -1;
    do
        c = accept(s, NULL, NULL);
    while (c < 0 && errno == EINTR);
    why = c < 0 ? errno : 0;
    close(s);
    while (!why && at < sizeof greeting) {
        ssize_t n = send(c, greeting + at, sizeof greeting - at, MSG_NOSIGNAL);
        if (n >= 0)
            at += (size_t)n;
        else if (errno != EINTR)
            why = errno;
    }
    if (c >= 0)
        close(c);
    if (why) {
        errno = why;
        return -1;
    }
    return 0;
}
