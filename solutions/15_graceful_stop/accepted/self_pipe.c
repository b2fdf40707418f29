/* An echo server with a pipe to itself, into which the handler writes. */

#define _GNU_SOURCE
#include "graceful_stop.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int alarm_in;

static void ring(int number)
{
    int error = errno;

    (void)number;
    if (write(alarm_in, "", 1) == -1)
        errno = error;          /* full: it has rung often enough */
    errno = error;
}

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Listen on port, on every IPv4 address of this machine.  Returns the listening
   socket, or -1 with errno set. */
static int listen_on(const char *port)
{
    struct addrinfo hints, *candidates, *c;
    int listener = -1, error, on = 1;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;        /* addresses to accept on */
    error = getaddrinfo(NULL, port, &hints, &candidates);
    if (error != 0) {
        /* EAI_ codes are no errnos, except where they say so. */
        if (error != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (c = candidates; c != NULL && listener == -1; c = c->ai_next) {
        listener = socket(c->ai_family, c->ai_socktype, c->ai_protocol);
        if (listener == -1)
            continue;
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(listener, c->ai_addr, c->ai_addrlen) == -1 ||
            listen(listener, 10) == -1)
            listener = give_up(listener);
    }
    error = errno;
    freeaddrinfo(candidates);
    errno = error;
    return listener;
}

/* Send all len bytes of data on fd.  Returns 0, or -1 with errno set. */
static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n;

        do
            n = send(fd, data, len, MSG_NOSIGNAL);
        while (n == -1 && errno == EINTR);
        if (n == -1)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Send back what comes in on fd, until end-of-file or an error. */
static void echo(int fd)
{
    char data[4096];

    for (;;) {
        ssize_t n;

        do
            n = recv(fd, data, sizeof data, 0);
        while (n == -1 && errno == EINTR);
        if (n <= 0 || send_all(fd, data, (size_t)n) == -1)
            return;             /* at its end, or gone */
    }
}

/* Wait for a client or the alarm.  Returns whether there may be a client. */
static int await_client(int listener, int alarm_out)
{
    struct pollfd fds[2] = { { listener, POLLIN, 0 }, { alarm_out, POLLIN, 0 } };

    while (poll(fds, 2, -1) == -1)
        ;
    return !(fds[1].revents & POLLIN);
}

int serve(const char *port)
{
    struct sigaction action = { .sa_handler = ring, .sa_flags = SA_RESTART }, old;
    int listener = listen_on(port), ends[2], result = 0, error = 0;

    if (listener == -1)
        return -1;
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1)
        return give_up(listener);
    fcntl(listener, F_SETFL, fcntl(listener, F_GETFL) | O_NONBLOCK);
    alarm_in = ends[1];
    sigaction(SIGTERM, &action, &old);
    while (await_client(listener, ends[0])) {
        int fd = accept(listener, NULL, NULL);

        if (fd != -1) {
            echo(fd);
            close(fd);
        } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK ||
                   errno == EFAULT) {
            error = errno;
            result = -1;
            break;
        } else if (errno != EAGAIN && errno != EINTR) {
            poll(NULL, 0, 10);
        }
    }
    sigaction(SIGTERM, &old, NULL);
    close(listener);
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return result;
}
