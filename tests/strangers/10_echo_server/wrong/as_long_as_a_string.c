/*
 * expect: fail
 * gap: other
 * cause: What was received is treated as a string: strlen() ends at the first zero byte, and what follows is not echoed.
 * shows: A client sends bytes with a zero among them.
 * says: byte 1 is a zero, which strlen() takes for the end
 */
#include "echo_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_listener(const char *port)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, yes = 1, rc, error = EADDRNOTAVAIL;

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
            errno = rc == EAI_MEMORY ? ENOMEM : EINVAL;
        return -1;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
            break;
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd == -1)
        errno = error;
    return fd;
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
        ssize_t n = recv(fd, buffer, sizeof buffer - 1, 0);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        buffer[n] = '\0';
        if (send_back(fd, buffer, strlen(buffer)) == -1)
            return;
    }
}

int serve(const char *port)
{
    int listener = open_listener(port), client, error;

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
        if (error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT)
            break;
        if (error != EINTR && error != ECONNABORTED)
            poll(NULL, 0, 20); /* until descriptors or memory are to be had again */
    }
    close(listener);
    errno = error;
    return -1;
}
