/*
 * expect: fail
 * gap: zombies
 * cause: The SIGCHLD handler waits for one child; signals are not counted, and of children that end together only one is reaped.
 * shows: Several clients leave at the same moment (or while the handler runs): all but one of their processes stay zombies.
 */
#include "fork_server.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int try_address(const struct addrinfo *a)
{
    const int on = 1;
    int s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (s < 0)
        return -1;
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || bind(s, a->ai_addr, a->ai_addrlen) < 0 ||
        listen(s, 128) < 0) {
        int e = errno;
        close(s);
        errno = e;
        return -1;
    }
    return s;
}

static int passive(const char *port)
{
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found, *a;
    int s = -1, e;

    if (!port) {
        errno = EINVAL;
        return -1;
    }
    e = getaddrinfo(NULL, port, &hints, &found);
    if (e) {
        if (e != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (a = found; a && s < 0; a = a->ai_next)
        s = try_address(a);
    e = errno;
    freeaddrinfo(found);
    errno = e;
    return s;
}

static void bury(int signo)
{
    int e = errno;

    (void)signo;
    waitpid(-1, NULL, WNOHANG);
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
                    _exit(1);
                k = 0;
            }
        }
    }
    _exit(0);
}

int serve(const char *port)
{
    struct sigaction sa = { .sa_handler = bury, .sa_flags = SA_RESTART | SA_NOCLDSTOP }, before;
    const struct timespec moment = { .tv_nsec = 20 * 1000 * 1000 };
    int e, s, conn;

    s = passive(port);
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
