/* specimen: 11_fork_server c wrong
 * expect: fail
 * gap: other
 * cause: There are never more than 64 children: a client that comes while so many are connected is accepted and closed at once.
 * shows: More than 64 clients are connected at the same time.
 * says: was accepted and ended at once
 */
#include "fork_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t busy;

static void bury(int sig)
{
    int saved = errno;

    (void)sig;
    while (waitpid(-1, NULL, WNOHANG) > 0)
        busy--;
    errno = saved;
}

static int hopeless(int error)
{
    return error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT;
}

static int open_listener(const char *port)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, on = 1, rc, error = EINVAL;

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
            errno = EINVAL;
        return -1;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, 128) == 0)
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

static void echo(int fd)
{
    char bytes[8192];

    for (;;) {
        ssize_t n = recv(fd, bytes, sizeof bytes, 0), at = 0;

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        while (at < n) {
            ssize_t k = send(fd, bytes + at, (size_t)(n - at), MSG_NOSIGNAL);

            if (k >= 0)
                at += k;
            else if (errno != EINTR)
                return;
        }
    }
}

int serve(const char *port)
{
    struct sigaction act, before;
    sigset_t children, mask;
    int listener = open_listener(port), fd, error;
    pid_t pid;

    if (listener == -1)
        return -1;
    memset(&act, 0, sizeof act);
    act.sa_handler = bury;
    act.sa_flags = SA_NOCLDSTOP; /* and no SA_RESTART: accept() may as well return */
    sigemptyset(&act.sa_mask);
    if (sigaction(SIGCHLD, &act, &before) == -1) {
        error = errno;
        close(listener);
        errno = error;
        return -1;
    }
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_UNBLOCK, &children, &mask);
    for (;;) {
        fd = accept(listener, NULL, NULL);
        if (fd == -1) {
            error = errno;
            if (hopeless(error))
                break;
            if (error != EINTR && error != ECONNABORTED)
                poll(NULL, 0, 50);
            continue;
        }
        if (busy >= 64) {
            close(fd);
            continue;
        }
        sigprocmask(SIG_BLOCK, &children, NULL);
        busy++;
        pid = fork();
        if (pid == 0) {
            close(listener);
            echo(fd);
            _exit(0);
        }
        if (pid == -1)
            busy--;
        sigprocmask(SIG_UNBLOCK, &children, NULL);
        close(fd); /* also when there is no child: that client is lost */
    }
    sigprocmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGCHLD, &before, NULL);
    close(listener);
    errno = error;
    return -1;
}
