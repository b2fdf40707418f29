/*
 * expect: pass
 * gap: none
 * cause: one IPv6 socket with V6ONLY switched off explicitly; mapped addresses are recognised by their bytes, not by their text.
 * shows: never
 */
#define _GNU_SOURCE
#include "dual_stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int give_up(int fd)
{
    int why = errno;

    close(fd);
    errno = why;
    return -1;
}

static int listening(const char *port)
{
    struct addrinfo hints = { .ai_family = AF_INET6, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *where = NULL;
    const int on = 1, off = 0;
    int fd, rc, saved;

    fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1 && errno == EAFNOSUPPORT) {
        hints.ai_family = AF_INET;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    if (fd == -1)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
        return give_up(fd);
    if (hints.ai_family == AF_INET6
        && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == -1)
        return give_up(fd);

    rc = getaddrinfo(NULL, port, &hints, &where);
    if (rc != 0) {
        if (rc != EAI_SYSTEM || errno == 0)
            errno = EINVAL;
        return give_up(fd);
    }
    rc = bind(fd, where->ai_addr, where->ai_addrlen);
    saved = errno;
    freeaddrinfo(where);
    errno = saved;
    if (rc == -1 || listen(fd, SOMAXCONN) == -1)
        return give_up(fd);
    return fd;
}

static size_t print_peer(const struct sockaddr_storage *peer, char *text, socklen_t size)
{
    const char *done;

    if (peer->ss_family == AF_INET) {
        done = inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, text, size);
    } else {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)peer)->sin6_addr;

        if (IN6_IS_ADDR_V4MAPPED(a))
            done = inet_ntop(AF_INET, &a->s6_addr[12], text, size);
        else
            done = inet_ntop(AF_INET6, a, text, size);
    }
    return done == NULL ? 0 : strlen(text);
}

static void tell(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n == -1) {
            if (errno == EINTR)
                continue;
            return;
        }
        text += n;
        len -= (size_t)n;
    }
}

int serve(const char *port)
{
    int fd;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }
    fd = listening(port);
    if (fd == -1)
        return -1;
    for (;;) {
        struct sockaddr_storage peer;
        socklen_t len = sizeof peer;
        char text[INET6_ADDRSTRLEN];
        int client = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);

        if (client == -1) {
            switch (errno) {
            case EBADF: case EINVAL: case ENOTSOCK: case EFAULT:
                return give_up(fd);
            case EINTR: case ECONNABORTED:
                break;
            default:
                poll(NULL, 0, 50);
            }
            continue;
        }
        tell(client, text, print_peer(&peer, text, sizeof text));
        close(client);
    }
}
