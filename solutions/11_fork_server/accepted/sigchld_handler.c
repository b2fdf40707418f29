/* A fork server that reaps its children in a handler of SIGCHLD. */

#include "fork_server.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_child(int number)
{
    int saved_errno = errno;

    (void)number;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
    errno = saved_errno;
}

static int try_address(const struct addrinfo *a)
{
    int on = 1, error;
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (fd == -1)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 64) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int serve_one(int fd)
{
    char buffer[8192];
    size_t used = 0;

    for (;;) {
        ssize_t n = recv(fd, buffer, sizeof buffer, 0);

        if (n == 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return 1;
        used = n > 0 ? (size_t)n : 0;
        while (used > 0) {
            n = send(fd, buffer, used, MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return 1;
            used -= (size_t)n;
            memmove(buffer, buffer + n, used);
        }
    }
}

int serve(const char *port)
{
    struct sigaction action;
    struct addrinfo hints, *found;
    int listener, error;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    error = getaddrinfo(NULL, port, &hints, &found);
    if (error != 0) {
        errno = error == EAI_SYSTEM ? errno : EADDRNOTAVAIL;
        return -1;
    }
    listener = try_address(found);
    error = errno;
    freeaddrinfo(found);
    errno = error;
    if (listener == -1)
        return -1;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_child;       /* without SA_RESTART: EINTR comes */
    sigemptyset(&action.sa_mask);
    sigaction(SIGCHLD, &action, NULL);

    while (1) {
        struct sockaddr_in client;
        socklen_t length = sizeof client;
        int fd = accept(listener, (struct sockaddr *)&client, &length);
        pid_t pid;

        if (fd == -1) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK ||
                errno == EFAULT)
                break;
            if (errno != EINTR && errno != ECONNABORTED)
                usleep(20000);
            continue;
        }
        pid = fork();
        if (pid == -1) {
            close(fd);
        } else if (pid > 0) {
            close(fd);
        } else {
            close(listener);
            _exit(serve_one(fd));
        }
    }
    error = errno;
    close(listener);
    errno = error;
    return -1;
}
