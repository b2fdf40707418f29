/* specimen: 11_fork_server c wrong
 * expect: fail
 * gap: other
 * cause: SO_REUSEADDR is set after bind(), when the decision has already been taken without it.
 * shows: when the server is started again right after a run that had clients: bind() fails with EADDRINUSE while an old connection lingers.
 * says: SO_REUSEADDR had not been set yet: after bind() it is too late
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

static int fail(int fd, struct addrinfo *list, int code)
{
    if (fd != -1)
        close(fd);
    if (list != NULL)
        freeaddrinfo(list);
    errno = code;
    return -1;
}

static int start(const char *port)
{
    struct addrinfo hints, *list = NULL, *p;
    char *end = NULL;
    long n;
    int fd = -1, one = 1, rv, code = EINVAL;

    if (port == NULL || port[0] == '\0')
        return fail(-1, NULL, EINVAL);
    n = strtol(port, &end, 10);
    if (*end == '\0' && (n < 0 || n > 65535))
        return fail(-1, NULL, EINVAL);

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rv = getaddrinfo(NULL, port, &hints, &list);
    if (rv != 0)
        return fail(-1, NULL, rv == EAI_SYSTEM ? errno : rv == EAI_MEMORY ? ENOMEM : EINVAL);

    for (p = list; p != NULL; p = p->ai_next) {
        fd = socket(p->ai_family, p->ai_socktype, p->ai_protocol);
        if (fd == -1) {
            code = errno;
            continue;
        }
        if (bind(fd, p->ai_addr, p->ai_addrlen) == 0)
            break;
        code = errno;
        close(fd);
        fd = -1;
    }
    if (fd == -1)
        return fail(-1, list, code);
    freeaddrinfo(list);

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == -1)
        return fail(fd, NULL, errno);
    if (listen(fd, 128) == -1)
        return fail(fd, NULL, errno);
    return fd;
}

static void child(int fd)
{
    char buf[4096];

    for (;;) {
        ssize_t n = recv(fd, buf, sizeof buf, 0), i = 0;

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        while (i < n) {
            ssize_t k = send(fd, &buf[i], n - i, MSG_NOSIGNAL);

            if (k > 0)
                i += k;
            else if (errno != EINTR)
                _exit(1);
        }
    }
    _exit(0);
}

int serve(const char *port)
{
    struct sigaction no_zombies, old;
    int listener = start(port);

    if (listener == -1)
        return -1;
    memset(&no_zombies, 0, sizeof no_zombies);
    no_zombies.sa_handler = SIG_IGN;
    sigaction(SIGCHLD, &no_zombies, &old);

    for (;;) {
        int conn = accept(listener, NULL, NULL);

        if (conn != -1) {
            pid_t pid = fork();

            if (pid == 0) {
                close(listener);
                child(conn);
            }
            close(conn);
        } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT) {
            int code = errno;

            sigaction(SIGCHLD, &old, NULL);
            return fail(listener, NULL, code);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            struct timespec t = { .tv_nsec = 30000000 };

            nanosleep(&t, NULL);
        }
    }
}
