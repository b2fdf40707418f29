/* A fork server whose children the kernel reaps: SIGCHLD is ignored. */

#include "fork_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
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

/* Be a client's process until the client is done; a broken pipe may end it. */
static void attend(int fd)
{
    char data[1024];
    ssize_t n, done, sent;

    while ((n = read(fd, data, sizeof data)) != 0) {
        if (n == -1 && errno != EINTR)
            break;
        for (done = 0; done < n; done += sent > 0 ? sent : 0) {
            sent = write(fd, data + done, (size_t)(n - done));
            if (sent == -1 && errno != EINTR)
                _exit(1);
        }
    }
    _exit(0);
}

int serve(const char *port)
{
    int listener = open_listener(port), connection;

    if (listener == -1)
        return -1;
    signal(SIGCHLD, SIG_IGN);
    signal(SIGPIPE, SIG_DFL);
    for (;;) {
        connection = accept(listener, NULL, NULL);
        if (connection >= 0) {
            if (fork() == 0) {
                close(listener);
                attend(connection);
            }
            close(connection);
            continue;
        }
        switch (errno) {
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT:
            connection = errno;
            close(listener);
            errno = connection;
            return -1;
        default:
            poll(NULL, 0, 20);
        }
    }
}
