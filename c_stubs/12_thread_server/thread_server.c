/* A counter of lines: a thread for each client. */

#include "thread_server.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static unsigned long lines;     /* served so far, to everyone */

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
            n = send(fd, data, len, 0);
        while (n == -1 && errno == EINTR);
        if (n == -1)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Number one more line, and tell fd.  Returns 0, or -1 with errno set. */
static int answer_line(int fd)
{
    char text[24];
    unsigned long number;
    int len;

    number = lines + 1;
    len = snprintf(text, sizeof text, "%lu\n", number);
    if (send_all(fd, text, (size_t)len) == -1)
        return -1;
    lines = number;
    return 0;
}

/* Answer the lines that come in on fd, until end-of-file or an error. */
static void answer(int fd)
{
    static char data[4096];

    for (;;) {
        ssize_t n;

        do
            n = recv(fd, data, sizeof data, 0);
        while (n == -1 && errno == EINTR);
        if (n <= 0)
            return;             /* at its end, or gone */
        for (ssize_t i = 0; i < n; i++)
            if (data[i] == '\n' && answer_line(fd) == -1)
                return;
    }
}

/* Be a client's thread: its connection is the argument. */
static void *attend(void *argument)
{
    int connection = *(int *)argument;

    answer(connection);
    return NULL;
}

int serve(const char *port)
{
    const struct timespec moment = { 0, 10000000 };
    int listener = listen_on(port), connection;
    pthread_t thread;

    if (listener == -1)
        return -1;
    for (;;) {
        connection = accept(listener, NULL, NULL);
        if (connection == -1) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK ||
                errno == EFAULT)
                return give_up(listener);
            nanosleep(&moment, NULL);   /* descriptors may lack for a while */
            continue;
        }
        if (pthread_create(&thread, NULL, attend,
                           &connection) != 0) {
            close(connection);
            return give_up(listener);
        }
    }
}
