/* Fetch a reply: one exit for all, and a look beyond a buffer that is full. */

#include "tcp_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGAIN(call) ({ long r_; do r_ = (call); while (r_ == -1 && errno == EINTR); r_; })

/* Whether an interrupted connect has come through. */
static int came_through(int fd)
{
    struct pollfd p = { fd, POLLOUT, 0 };
    int error = 0;
    socklen_t length = sizeof error;

    if (AGAIN(poll(&p, 1, -1)) == -1)
        return 0;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    errno = error;
    return error == 0;
}

ssize_t fetch(const char *host, const char *port, char *reply, size_t size)
{
    struct addrinfo hints, *addresses = NULL, *a;
    ssize_t result = -1, n = 1;
    size_t got = 0;
    int fd = -1, error;
    char beyond;

    if (size > 0 && reply == NULL) {
        error = EINVAL;
        goto out;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    switch (getaddrinfo(host, port, &hints, &addresses)) {
    case 0:
        break;
    case EAI_SYSTEM:
        error = errno;
        goto out;
    default:
        error = EHOSTUNREACH;
        goto out;
    }
    for (a = addresses; a != NULL; a = a->ai_next) {
        if (fd != -1)
            close(fd);
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd != -1 && (connect(fd, a->ai_addr, a->ai_addrlen) == 0
                         || (errno == EINTR && came_through(fd))))
            break;
        error = errno;
    }
    if (a == NULL)
        goto out;
    while (got < size && n > 0) {
        n = AGAIN(recv(fd, reply + got, size - got, 0));
        if (n > 0)
            got += (size_t)n;
    }
    if (n > 0 && (n = AGAIN(recv(fd, &beyond, 1, MSG_PEEK))) > 0) {
        n = -1;
        errno = EMSGSIZE;
    }
    error = errno;
    result = n == 0 ? (ssize_t)got : -1;
out:
    if (fd != -1)
        close(fd);
    if (addresses != NULL)
        freeaddrinfo(addresses);
    if (result == -1)
        errno = error;
    return result;
}
