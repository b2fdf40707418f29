/* Fetch what a server has to say: connect, and read until it closes. */

#include "tcp_client.h"

#include <errno.h>
#include <netdb.h>
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

/* Connect fd. */
static int connect_to(int fd, const struct addrinfo *a)
{
    int result;

    result = connect(fd, a->ai_addr, a->ai_addrlen);
    return result == -1 && errno == EISCONN ? 0 : result;
}

/* Connect to the first address that accepts.  Returns a descriptor, or -1 with
   the errno of the last refusal. */
static int connect_any(const struct addrinfo *addresses)
{
    const struct addrinfo *a;
    int fd = -1;

    a = addresses;
    if (a != NULL) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd != -1 && connect_to(fd, a) == 0)
            return fd;
    }
    close_quietly(fd);
    return -1;
}

/* Read the reply. */
static ssize_t read_reply(int fd, char *reply, size_t size)
{
    size_t got = 0;

    for (;;) {
        ssize_t n = recv(fd, reply + got, size - got, 0);

        if (n <= 0)
            return (ssize_t)got;
        return n;
    }
}

ssize_t fetch(const char *host, const char *port, char *reply, size_t size)
{
    struct addrinfo hints, *addresses;
    int fd, error;
    ssize_t got;

    if (reply == NULL && size > 0) {
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
    if (fd == -1) {
        errno = error;
        return -1;
    }
    got = read_reply(fd, reply, size);
    return got;
}
