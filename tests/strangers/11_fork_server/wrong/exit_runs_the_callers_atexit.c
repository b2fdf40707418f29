/*
 * expect: fail
 * gap: other
 * cause: The child ends with exit(), not _exit(): the caller's atexit functions run in every child, and what lies unwritten in the caller's stdio buffers is written once more by each.
 * shows: The caller has registered an atexit function, or has unflushed output, when serve() is called.
 * says: exit() in a child runs what the caller has registered with atexit()
 */
#include "fork_server.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
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

static void bury(int signo)
{
    int e = errno;

    (void)signo;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        ;
    errno = e;
}

static void child(int conn)
{
    char buf[4096];
    ssize_t n, k, at;

    for (;;) {
        n = recv(conn, buf, sizeof buf, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        for (at = 0; at < n; at += k) {
            k = send(conn, buf + at, (size_t)(n - at), MSG_NOSIGNAL);
            if (k < 0) {
                if (errno != EINTR)
                    exit(1);
                k = 0;
            }
        }
    }
    exit(0);
}

int serve(const char *port)
{
    struct sigaction sa = { .sa_handler = bury, .sa_flags = SA_RESTART | SA_NOCLDSTOP }, before;
    const struct timespec moment = { .tv_nsec = 20 * 1000 * 1000 };
    int e, s, conn;

    s = open_listener(port);
    if (s < 0)
        return -1;
    sigemptyset(&sa.sa_mask);
    if (sigaction(SIGCHLD, &sa, &before) < 0) {
        e = errno;
        close(s);
        errno = e;
        return -1;
    }
    for (;;) {
        conn = accept(s, NULL, NULL);
        if (conn < 0) {
            e = errno;
            if (e == EBADF || e == EINVAL || e == ENOTSOCK || e == EFAULT)
                break;
            if (e != EINTR && e != ECONNABORTED)
                nanosleep(&moment, NULL);
            continue;
        }
        if (fork() == 0) {
            close(s);
            child(conn);
        }
        close(conn); /* the child's now, or nobody's when fork() has failed */
    }
    sigaction(SIGCHLD, &before, NULL);
    close(s);
    errno = e;
    return -1;
}
