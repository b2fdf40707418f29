/*
 * expect: fail
 * gap: other
 * cause: hints.ai_socktype is left 0, so getaddrinfo also returns the UDP and raw addresses; when the TCP port is taken the loop goes on and binds a UDP socket, on which listen fails.
 * shows: with the port already served, errno is EOPNOTSUPP in place of EADDRINUSE (and a UDP port is bound meanwhile)
 * says: getaddrinfo() at tcp_server.c:37 was asked for any type of socket
 */
#include "tcp_server.h"
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(int fd)
{
    int keep = errno;
    if (fd >= 0)
        close(fd);
    errno = keep;
    return -1;
}

int greet_one(const char *port)
{
    static const char text[] = "Hi client - you have successfully connected!";
    struct addrinfo hints, *info, *p;
    int listener = -1, conn, rc, on = 1, last = EADDRNOTAVAIL;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &info);
    if (rc != 0) {
        if (rc != EAI_SYSTEM || errno == 0)
            errno = EINVAL;
        return -1;
    }
    for (p = info; p != NULL; p = p->ai_next) {
        listener = socket(p->ai_family, p->ai_socktype, p->ai_protocol);
        if (listener == -1) {
            last = errno;
            continue;
        }
        if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0
            && bind(listener, p->ai_addr, p->ai_addrlen) == 0)
            break;
        last = errno;
        close(listener);
        listener = -1;
    }
    freeaddrinfo(info);
    if (p == NULL) {
        errno = last;
        return -1;
    }
    if (listen(listener, 10) == -1)
        return fail(listener);
    do
        conn = accept(listener, NULL, NULL);
    while (conn == -1 && errno == EINTR);
    if (conn == -1)
        return fail(listener);
    close(listener);

    size_t sent = 0;
    while (sent < sizeof text - 1) {
        ssize_t n = send(conn, text + sent, sizeof text - 1 - sent, MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return fail(conn);
        sent += (size_t)n;
    }
    close(conn);
    return 0;
}
