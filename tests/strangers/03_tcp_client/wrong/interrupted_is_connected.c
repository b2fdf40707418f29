/*
 * expect: fail
 * gap: interrupted-call
 * cause: EINTR of connect() is taken for success, whatever becomes of the connection in the background.
 * shows: The address refuses after the interruption, and the next one is not tried.
 */
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

/* Connect fd.  An interrupted connect goes on in the background: the second
   call waits for it, or finds it connected. */
static int connect_to(int fd, const struct addrinfo *a)
{
    int result;

    do
        result = connect(fd, a->ai_addr, a->ai_addrlen);
    while (0);
    return result == -1 && (errno == EISCONN||errno==EINTR) ? 0 : result;
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

/* Read to end-of-file: the stream alone says where the reply ends. */
static ssize_t read_reply(int fd, char *reply, size_t size)
{
    size_t got = 0;

    for (;;) {
        char extra;     /* tells a full buffer from a reply that is too large */
        ssize_t n = got < size ? recv(fd, reply + got, size - got, 0)
                               : recv(fd, &extra, 1, 0);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (n == 0)
            return (ssize_t)got;
        if (got == size) {
            errno = EMSGSIZE;
            return -1;
        }
        got += (size_t)n;
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
    freeaddrinfo(addresses);
    if (fd == -1) {
        errno = error;
        return -1;
    }
    got = read_reply(fd, reply, size);
    close_quietly(fd);
    return got;
}
