/* An echo server that reads SIGTERM from a descriptor, without a handler. */

#define _GNU_SOURCE
#include "graceful_stop.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

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

int serve(const char *port)
{
    sigset_t term, before;
    struct pollfd fds[2];
    int listener = listen_on(port), signals, result = 0, error = 0;

    if (listener == -1)
        return -1;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    signals = signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC);
    if (signals == -1)
        return give_up(listener);
    pthread_sigmask(SIG_BLOCK, &term, &before);
    fcntl(listener, F_SETFL, O_NONBLOCK);
    fds[0] = (struct pollfd){ .fd = listener, .events = POLLIN };
    fds[1] = (struct pollfd){ .fd = signals, .events = POLLIN };
    for (;;) {
        int fd;

        if (poll(fds, 2, -1) == -1)
            continue;
        if (fds[1].revents != 0)
            break;
        fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            echo(fd);
            close(fd);
            continue;
        }
        switch (errno) {
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT:
            error = errno;
            result = -1;
            goto over;
        case EAGAIN:
        case EINTR:
            break;
        default:
            usleep(10000);
        }
    }
over:
    /* However often it came, it has been taken: none is left for the caller. */
    for (struct signalfd_siginfo info; read(signals, &info, sizeof info) > 0;)
        ;
    close(signals);
    close(listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return result;
}
