/*
 * expect: fail
 * gap: other
 * cause: sysv_signal() installs a handler for one signal only, as System V had it: when it is called the default action is back.
 * shows: when a second SIGTERM arrives while the current client is still served.
 * says: the handler is for one signal only (sysv_signal): the second SIGTERM found none and ended the program
 */
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

static volatile sig_atomic_t stop;
static int bell[2];

static void on_term(int signo)
{
    int saved = errno;

    (void)signo;
    stop = 1;
    if (write(bell[1], "", 1) < 0) {
        /* full: it rings already */
    }
    errno = saved;
}

static int bind_listener(const char *port)
{
    struct addrinfo hints, *list, *p;
    int fd = -1, yes = 1, error = ENOENT, rc;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (p = list; p && fd < 0; p = p->ai_next) {
        fd = socket(p->ai_family, p->ai_socktype, p->ai_protocol);
        if (fd < 0) {
            error = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 ||
            bind(fd, p->ai_addr, p->ai_addrlen) < 0 || listen(fd, 10) < 0 ||
            fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
            error = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0)
        errno = error;
    return fd;
}

/* wait for fd; when the bell rings, close the listener so that nobody else comes in */
static void wait_for(int fd, short what, int *listener, int ms)
{
    struct pollfd p[2];
    char c;

    p[0].fd = fd;
    p[0].events = what;
    p[1].fd = *listener >= 0 ? bell[0] : -1;
    p[1].events = POLLIN;
    poll(p, 2, ms);
    while (read(bell[0], &c, 1) > 0)
        ;
    if (stop && *listener >= 0) {
        close(*listener);
        *listener = -1;
    }
}

static void echo_client(int fd, int *listener)
{
    char buf[8192];
    ssize_t have = 0, done = 0;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (;;) {
        ssize_t n;

        if (done < have)
            n = send(fd, buf + done, (size_t)(have - done), MSG_NOSIGNAL);
        else
            n = recv(fd, buf, sizeof buf, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            wait_for(fd, done < have ? POLLOUT : POLLIN, listener, -1);
            continue;
        }
        if (n < 0 || (n == 0 && done == have))
            return;
        if (done < have) {
            done += n;
        } else {
            have = n;
            done = 0;
        }
    }
}

int serve(const char *port)
{
    struct sigaction theirs;
    int listener, error = 0;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }
    if (pipe2(bell, O_NONBLOCK | O_CLOEXEC) < 0)
        return -1;
    stop = 0;
    sigaction(SIGTERM, NULL, &theirs);
    sysv_signal(SIGTERM, on_term);

    listener = bind_listener(port);
    if (listener < 0)
        error = errno;
    while (error == 0 && !stop) {
        int conn = accept(listener, NULL, NULL);

        if (conn >= 0) {
            echo_client(conn, &listener);
            close(conn);
            continue;
        }
        switch (errno) {
        case EAGAIN:
            wait_for(listener, POLLIN, &listener, -1);
            break;
        case EINTR:
        case ECONNABORTED:
            break;
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT:
            error = errno;
            break;
        default:
            wait_for(-1, 0, &listener, 50);
        }
    }
    if (listener >= 0)
        close(listener);
    sigaction(SIGTERM, &theirs, NULL);
    close(bell[0]);
    close(bell[1]);
    errno = error;
    return error == 0 ? 0 : -1;
}
