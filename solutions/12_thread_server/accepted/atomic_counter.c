/* A line counter with an atomic, threads made detached, and SIGPIPE ignored. */

#include "thread_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static atomic_ulong served;

static int open_listener(const char *port)
{
    const struct addrinfo hints = { .ai_family = AF_INET,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE };
    struct addrinfo *list;
    int fd, on = 1, error = 0;

    switch (getaddrinfo(NULL, port, &hints, &list)) {
    case 0:
        break;
    case EAI_SYSTEM:
        return -1;
    default:
        errno = ENOENT;
        return -1;
    }
    fd = socket(list->ai_family, list->ai_socktype, list->ai_protocol);
    if (fd == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(fd, list->ai_addr, list->ai_addrlen) == -1 ||
        listen(fd, SOMAXCONN) == -1)
        error = errno;
    freeaddrinfo(list);
    if (error != 0) {
        if (fd != -1)
            close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

/* Whether all of text could be written. */
static int put(int fd, const char *text, int len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, (size_t)len);

        if (n == -1 && errno != EINTR)
            return 0;
        if (n > 0) {
            text += n;
            len -= (int)n;
        }
    }
    return 1;
}

static void *attend(void *argument)
{
    int fd = *(int *)argument;
    char data[1024], number[32];
    ssize_t n, i;

    free(argument);
    while ((n = read(fd, data, sizeof data)) != 0) {
        if (n == -1 && errno != EINTR)
            break;
        for (i = 0; i < n; i++) {
            if (data[i] != '\n')
                continue;
            if (!put(fd, number, sprintf(number, "%lu\n",
                                         atomic_fetch_add(&served, 1) + 1)))
                goto gone;
        }
    }
gone:
    close(fd);
    return NULL;
}

int serve(const char *port)
{
    int listener = open_listener(port), connection, *argument;
    pthread_attr_t detached;
    pthread_t thread;

    if (listener == -1)
        return -1;
    signal(SIGPIPE, SIG_IGN);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        connection = accept(listener, NULL, NULL);
        if (connection >= 0) {
            argument = malloc(sizeof *argument);
            if (argument != NULL)
                *argument = connection;
            if (argument == NULL ||
                pthread_create(&thread, &detached, attend, argument) != 0) {
                free(argument);
                close(connection);
            }
            continue;
        }
        switch (errno) {
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT:
            connection = errno;
            pthread_attr_destroy(&detached);
            close(listener);
            errno = connection;
            return -1;
        default:
            poll(NULL, 0, 20);
        }
    }
}
