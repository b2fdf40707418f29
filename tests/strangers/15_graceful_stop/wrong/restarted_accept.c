/*
 * expect: fail
 * gap: retries-for-ever
 * cause: The handler is installed with SA_RESTART: after it has set its flag the kernel takes accept() up again, and the flag is not looked at before the next client.
 * shows: SIGTERM while the server waits for a client: serve() does not return.
 * says: with SA_RESTART the kernel takes accept() up again
 */
#include "graceful_stop.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_listener(const char *port)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, yes = 1, rc, error = EADDRNOTAVAIL;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = rc == EAI_MEMORY ? ENOMEM : EINVAL;
        return -1;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
            break;
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd == -1)
        errno = error;
    return fd;
}

static volatile sig_atomic_t stopping;

static void on_sigterm(int signo)
{
    (void)signo;
    stopping = 1;
}

/* Waits for fd; meanwhile the listener is closed as soon as the server is to stop. */
static void await(int fd, short events, int *listener)
{
    struct pollfd p = { .fd = fd, .events = events };
    int n;

    do {
        n = poll(&p, 1, 50);
        if (stopping && *listener != -1) {
            close(*listener);
            *listener = -1;
        }
    } while (n == 0 || (n == -1 && errno == EINTR));
}

static void echo(int fd, int *listener)
{
    char data[4096];
    ssize_t n, k, at;

    for (;;) {
        await(fd, POLLIN, listener);
        n = recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (n == -1 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return;
        for (at = 0; at < n;) {
            await(fd, POLLOUT, listener);
            k = send(fd, data + at, (size_t)(n - at), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (k >= 0)
                at += k;
            else if (errno != EINTR && errno != EAGAIN)
                return;
        }
    }
}

static int attend(int *listener)
{
    while (!stopping) {
        int client = accept(*listener, NULL, NULL);

        if (client != -1) {
            echo(client, listener);
            close(client);
            continue;
        }
        if (stopping)
            break;
        switch (errno) {
        case EBADF: case EINVAL: case ENOTSOCK: case EFAULT:
            return errno;
        case EINTR: case ECONNABORTED:
            break;
        default:
            poll(NULL, 0, 20);
        }
    }
    return 0;
}

int serve(const char *port)
{
    struct sigaction action, before;
    int listener, error;

    stopping = 0;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_sigterm;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGTERM, &action, &before) == -1)
        return -1;
    listener = open_listener(port);
    if (listener == -1) {
        error = errno;
    } else {
        error = attend(&listener);
        if (listener != -1)
            close(listener);
    }
    sigaction(SIGTERM, &before, NULL);
    if (error == 0)
        return 0;
    errno = error;
    return -1;
}
