/* Ask a server: send the whole request, say so, read the whole reply. */

#include "half_close.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Close fd without losing errno. */
static void close_quietly(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
}

/* Connect fd.  An interrupted connect goes on in the background: the second
   call waits for it, or finds it connected. */
static int connect_to(int fd, const struct addrinfo *a)
{
    int result;

    do
        result = connect(fd, a->ai_addr, a->ai_addrlen);
    while (result == -1 && errno == EINTR);
    return result == -1 && errno == EISCONN ? 0 : result;
}

/* Connect to the first address that accepts.  Returns a descriptor, or -1 with
   the errno of the last refusal. */
static int connect_any(const struct addrinfo *addresses)
{
    const struct addrinfo *a;
    int fd = -1;

    for (a = addresses; a != NULL; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd != -1 && connect_to(fd, a) == 0)
            return fd;
        if (fd != -1)
            close_quietly(fd);
    }
    return -1;
}

/* Send what there is room for.  Returns how many bytes, or -1. */
static ssize_t send_some(int fd, const char *data, size_t len)
{
    ssize_t n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

    return n == -1 && (errno == EINTR || errno == EAGAIN) ? 0 : n;
}

/* Send the request and receive the reply, both at once: a server that answers
   while it reads would stop reading if its answer were not read. */
static ssize_t exchange(int fd, const char *request, size_t len,
                        char *reply, size_t size)
{
    struct pollfd p = { .fd = fd };
    int sending = 1, receiving = 1;
    size_t sent = 0, got = 0;
    ssize_t n;

    while (sending || receiving) {
        if (sending && sent == len) {
            if (shutdown(fd, SHUT_WR) == -1)
                return -1;
            sending = 0;
            continue;
        }
        p.events = (sending ? POLLOUT : 0) | (receiving ? POLLIN : 0);
        if (poll(&p, 1, -1) == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (sending && p.revents & ~POLLIN) {
            n = send_some(fd, request + sent, len - sent);
            if (n == -1)
                return -1;
            sent += (size_t)n;
        }
        if (receiving && p.revents & ~POLLOUT) {
            char extra;     /* tells a full buffer from a reply too large */

            n = got < size ? recv(fd, reply + got, size - got, 0)
                           : recv(fd, &extra, 1, 0);
            if (n == -1 && errno == EINTR)
                continue;
            if (n == -1)
                return -1;
            if (n > 0 && got == size) {
                errno = EMSGSIZE;
                return -1;
            }
            got += (size_t)n;
            receiving = n > 0;
        }
    }
    return (ssize_t)got;
}

ssize_t ask(const char *host, const char *port, const void *request, size_t len,
            char *reply, size_t size)
{
    struct addrinfo hints, *addresses;
    int fd, error;
    ssize_t got;

    if ((request == NULL && len > 0) || (reply == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    error = getaddrinfo(host, port, &hints, &addresses);
    if (error != 0) {
        if (error != EAI_SYSTEM)
            errno = ENXIO;
        return -1;
    }
    fd = connect_any(addresses);
    error = errno;
    freeaddrinfo(addresses);
    if (fd == -1) {
        errno = error;
        return -1;
    }
    got = exchange(fd, request, len, reply, size);
    close_quietly(fd);
    return got;
}
