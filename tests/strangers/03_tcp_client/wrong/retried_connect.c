/*
 * expect: fail
 * gap: interrupted-call
 * cause: After EINTR connect() is simply called again, and EISCONN, which says that the connection has been made meanwhile, counts as a failure.
 * shows: A signal interrupts connect(), and the second call finds the connection made.
 */
#include "tcp_client.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_connection(const struct addrinfo *ai)
{
    int fd, rc, saved;

    fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
    if (fd < 0)
        return -1;
    do {
        rc = connect(fd, ai->ai_addr, ai->ai_addrlen);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

static ssize_t read_all(int fd, char *reply, size_t size)
{
    size_t have = 0;
    char surplus;

    for (;;) {
        ssize_t n;
        if (have < size)
            n = recv(fd, reply + have, size - have, 0);
        else
            n = recv(fd, &surplus, 1, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            return (ssize_t)have;
        if (have == size) {
            errno = EMSGSIZE;
            return -1;
        }
        have += (size_t)n;
    }
}

ssize_t fetch(const char *host, const char *port, char *reply, size_t size)
{
    struct addrinfo hints, *list, *ai;
    ssize_t result;
    int fd = -1, rc, saved;

    if (!reply && size) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if ((rc = getaddrinfo(host, port, &hints, &list)) != 0) {
        if (rc != EAI_SYSTEM)
            errno = EHOSTUNREACH;
        return -1;
    }
    for (ai = list; ai && fd < 0; ai = ai->ai_next)
        fd = open_connection(ai);
    saved = errno;
    freeaddrinfo(list);
    errno = saved;
    if (fd < 0)
        return -1;

    result = read_all(fd, reply, size);
    saved = errno;
    close(fd);
    errno = saved;
    return result;
}
