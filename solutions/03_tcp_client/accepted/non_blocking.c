/* Fetch a reply without ever blocking outside of poll(). */

#include "tcp_client.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static int wait_for(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };
    int n;

    while ((n = poll(&p, 1, -1)) == -1 && errno == EINTR)
        continue;
    return n == -1 ? -1 : 0;
}

static int connected(int fd, const struct sockaddr *address, socklen_t length)
{
    int error = 0;
    socklen_t size = sizeof error;

    if (connect(fd, address, length) == 0)
        return 1;
    if (errno != EINPROGRESS && errno != EINTR)
        return 0;
    if (wait_for(fd, POLLOUT) == -1)
        return 0;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        return 0;
    errno = error;
    return error == 0;
}

static ssize_t read_all(int fd, char *reply, size_t size)
{
    char beyond;
    size_t got = 0;

    for (;;) {
        ssize_t n = got < size ? recv(fd, reply + got, size - got, 0)
                               : recv(fd, &beyond, 1, 0);

        if (n == 0)
            return (ssize_t)got;
        if (n > 0 && got == size) {
            errno = EMSGSIZE;
            return -1;
        }
        if (n > 0)
            got += (size_t)n;
        else if (errno == EAGAIN && wait_for(fd, POLLIN) == 0)
            continue;
        else if (errno != EINTR)
            return -1;
    }
}

ssize_t fetch(const char *host, const char *port, char *reply, size_t size)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list, *a;
    ssize_t got = -1;
    int fd, kept, error;

    if (!reply && size) {
        errno = EINVAL;
        return -1;
    }
    error = getaddrinfo(host, port, &hints, &list);
    if (error) {
        if (error != EAI_SYSTEM)
            errno = EADDRNOTAVAIL;
        return -1;
    }
    for (a = list; a; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                    a->ai_protocol);
        if (fd == -1)
            continue;
        if (connected(fd, a->ai_addr, a->ai_addrlen))
            break;
        kept = errno;
        close(fd);
        errno = kept;
        fd = -1;
    }
    kept = errno;
    freeaddrinfo(list);
    errno = kept;
    if (fd == -1)
        return -1;
    got = read_all(fd, reply, size);
    kept = errno;
    close(fd);
    errno = kept;
    return got;
}
