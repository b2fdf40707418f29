/* An echo server: a process for each client. */

#include "fork_server.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
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

/* Let go of the children that have ended. */
static void reap(void)
{
    waitpid(-1, NULL, 0);
}

int serve(const char *port)
{
    const struct timespec moment = { 0, 10000000 };
    int listener = listen_on(port);

    if (listener == -1)
        return -1;
    for (;;) {
        int connection = accept(listener, NULL, NULL);
        pid_t child;

        if (connection == -1) {
            if (errno != ECONNABORTED)
                return give_up(listener);
            nanosleep(&moment, NULL);   /* that client did not wait */
            continue;
        }
        child = fork();
        if (child == -1)
            return give_up(listener);
        if (child == 0) {
            echo(connection);
        }
        reap();
    }
}
