/*
 * expect: fail
 * gap: dies-of-accept
 * cause: Only EINTR, EAGAIN and ECONNABORTED are known as harmless; descriptors or memory that are lacking for a moment (EMFILE, ENFILE, ENOBUFS, ENOMEM) or a network error of the connection (EPROTO) end the server.
 * shows: accept() fails once with EMFILE: serve() returns.
 */
#include "echo_server.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int try_address(const struct addrinfo *a)
{
    const int on = 1;
    int s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (s < 0)
        return -1;
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || bind(s, a->ai_addr, a->ai_addrlen) < 0 ||
        listen(s, 128) < 0) {
        int e = errno;
        close(s);
        errno = e;
        return -1;
    }
    return s;
}

static int passive(const char *port)
{
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found, *a;
    int s = -1, e;

    if (!port) {
        errno = EINVAL;
        return -1;
    }
    e = getaddrinfo(NULL, port, &hints, &found);
    if (e) {
        if (e != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (a = found; a && s < 0; a = a->ai_next)
        s = try_address(a);
    e = errno;
    freeaddrinfo(found);
    errno = e;
    return s;
}

static int send_back(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static void echo(int fd)
{
    char buffer[8192];

    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0 || send_back(fd, buffer, (size_t)n) == -1)
            return;
    }
}

int serve(const char *port)
{
    int listener = passive(port), client, error;

    if (listener == -1)
        return -1;
    for (;;) {
        client = accept(listener, NULL, NULL);
        if (client != -1) {
            echo(client);
            close(client);
            continue;
        }
        error = errno;
        if (error != EINTR && error != EAGAIN && error != ECONNABORTED)
            break; /* not one of those that accept() may be asked again after */
    }
    close(listener);
    errno = error;
    return -1;
}
