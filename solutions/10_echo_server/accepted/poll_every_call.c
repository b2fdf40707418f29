/* An echo server that asks poll() before every call. */

#define _GNU_SOURCE
#include "echo_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void wait_until(int fd, short event)
{
    struct pollfd p = { .fd = fd, .events = event };

    while (poll(&p, 1, -1) == -1 && errno == EINTR)
        ;
}

/* Whether a call is worth another try. */
static int again(void)
{
    return errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK;
}

static void echo(int fd)
{
    unsigned char data[512];
    ssize_t have, sent;

    for (;;) {
        wait_until(fd, POLLIN);
        have = recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (have == -1 && again())
            continue;
        if (have <= 0)
            return;
        for (sent = 0; sent < have;) {
            ssize_t n;

            wait_until(fd, POLLOUT);
            n = send(fd, data + sent, (size_t)(have - sent),
                     MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n >= 0)
                sent += n;
            else if (!again())
                return;
        }
    }
}

int serve(const char *port)
{
    struct addrinfo hints, *found, *a;
    struct sockaddr_in from;
    socklen_t length;
    int listener = -1, fd, error, yes = 1;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = PF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    error = getaddrinfo(NULL, port, &hints, &found);
    if (error) {
        if (error != EAI_SYSTEM)
            errno = EADDRNOTAVAIL;
        return -1;
    }
    for (a = found; a; a = a->ai_next) {
        listener = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (listener < 0) {
            error = errno;
            continue;
        }
        if (!setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) &&
            !bind(listener, a->ai_addr, a->ai_addrlen) && !listen(listener, 5))
            break;
        error = errno;
        close(listener);
    }
    freeaddrinfo(found);
    if (!a)
        goto failed;

    while (1) {
        wait_until(listener, POLLIN);
        length = sizeof from;
        fd = accept4(listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC);
        if (fd >= 0) {
            echo(fd);
            close(fd);
        } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK ||
                   errno == EFAULT) {
            break;
        } else if (!again() && errno != ECONNABORTED) {
            usleep(5000);
        }
    }
    error = errno;
    close(listener);
failed:
    errno = error;
    return -1;
}
