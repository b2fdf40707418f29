/*
 * expect: fail
 * gap: other
 * cause: A reply that just fills the caller's buffer is reported as EMSGSIZE; one of exactly size bytes fits, and only a further byte shows that it is larger.
 * shows: A reply of exactly size bytes.
 * says: returned -1 with EMSGSIZE; expected 71 bytes
 */
#include "tcp_client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int wait_connected(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    int error = 0;
    socklen_t n = sizeof error;

    while (poll(&p, 1, -1) < 0)
        if (errno != EINTR)
            return -1;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
        return -1;
    errno = error;
    return error ? -1 : 0;
}

static int dial(const char *host, const char *port)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, rc, error = EHOSTUNREACH;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EHOSTUNREACH;
        return -1;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 || (errno == EINTR && wait_connected(fd) == 0))
            break;
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    errno = error;
    return fd;
}

ssize_t fetch(const char *host, const char *port, char *reply, size_t size)
{
    size_t used = 0;
    ssize_t n = 1;
    int fd, saved = 0;

    if (host == NULL || port == NULL || (reply == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    fd = dial(host, port);
    if (fd < 0)
        return -1;
    while (used < size) {
        n = recv(fd, reply + used, size - used, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    if (n < 0)
        saved = errno;
    else if (n > 0)
        saved = EMSGSIZE; /* still no end of file */
    close(fd);
    errno = saved;
    return saved ? -1 : (ssize_t)used;
}
