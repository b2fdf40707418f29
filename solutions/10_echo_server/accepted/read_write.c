/* An echo server with read() and write(), SIGPIPE ignored. */

#include "echo_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* Write what was read; whether the client is still there. */
static bool answer(int fd, const char *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(fd, data + done, len - done);

        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            return false;
    }
    return true;
}

int serve(const char *port)
{
    int listener, client;
    char data[1024];

    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -1;
    listener = open_listener(port);
    if (listener == -1)
        return -1;

    for (;;) {
        client = accept(listener, NULL, NULL);
        if (client >= 0) {
            ssize_t n;

            do
                n = read(client, data, sizeof data);
            while ((n > 0 && answer(client, data, (size_t)n)) ||
                   (n == -1 && errno == EINTR));
            close(client);
            continue;
        }
        switch (errno) {
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT: {
            int error = errno;

            close(listener);
            errno = error;
            return -1;
        }
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            poll(NULL, 0, 20);          /* until some are given back */
        }
    }
}
