/* specimen: 10_echo_server c wrong
 * expect: fail
 * gap: other
 * cause: The client's half-close (POLLRDHUP) is looked at before what it has sent: bytes that lie there unread are not echoed.
 * shows: A client that sends and half-closes before the server has read.
 * says: the client's end; what the client has sent before it is never received
 */
#define _GNU_SOURCE
#include "echo_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int give_back(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

static void attend(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN | POLLRDHUP };
    char buf[16384];

    for (;;) {
        if (poll(&p, 1, -1) == -1) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (p.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL))
            return; /* the client has gone */
        ssize_t n = recv(fd, buf, sizeof buf, 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0 || give_back(fd, buf, (size_t)n) == -1)
            return;
    }
}

static int start(const char *port)
{
    struct addrinfo want, *have, *ai;
    int s = -1, yes = 1, err = 0, rc;

    memset(&want, 0, sizeof want);
    want.ai_flags = AI_PASSIVE;
    want.ai_family = AF_INET;
    want.ai_socktype = SOCK_STREAM;
    if ((rc = getaddrinfo(NULL, port, &want, &have))) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (ai = have; ai; ai = ai->ai_next) {
        s = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (s == -1) {
            err = errno;
            continue;
        }
        setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        if (bind(s, ai->ai_addr, ai->ai_addrlen) == 0 && listen(s, 20) == 0)
            break;
        err = errno;
        close(s);
        s = -1;
    }
    freeaddrinfo(have);
    if (s == -1)
        errno = err;
    return s;
}

int serve(const char *port)
{
    int s = start(port);

    if (s == -1)
        return -1;
    while (1) {
        int c = accept(s, NULL, NULL);
        if (c >= 0) {
            attend(c);
            close(c);
        } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT) {
            int err = errno;
            close(s);
            errno = err;
            return -1;
        } else if (errno != EINTR) {
            poll(NULL, 0, 10);
        }
    }
}
