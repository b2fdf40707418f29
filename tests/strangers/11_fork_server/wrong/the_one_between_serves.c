/* specimen: 11_fork_server c wrong
 * expect: fail
 * gap: other
 * cause: If the second fork() fails, the child in between goes on as if it were its own child and serves the client, while the server waits for it: nobody else is accepted until that client leaves.
 * shows: The second of two fork() calls fails.
 * says: waits until a child has ended
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
    const int yes = 1;
    int s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (s < 0)
        return -1;
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0 || bind(s, a->ai_addr, a->ai_addrlen) < 0 ||
        listen(s, SOMAXCONN) < 0) {
        int keep = errno;
        close(s);
        errno = keep;
        return -1;
    }
    return s;
}

static int listening_socket(const char *port)
{
    const struct addrinfo want = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *found = NULL;
    int s = -1, keep, code;

    if (!port) {
        errno = EINVAL;
        return -1;
    }
    code = getaddrinfo(NULL, port, &want, &found);
    if (code == EAI_SYSTEM)
        return -1;
    if (code) {
        errno = code == EAI_MEMORY ? ENOMEM : EINVAL;
        return -1;
    }
    for (struct addrinfo *a = found; a && s < 0; a = a->ai_next)
        s = try_address(a);
    keep = errno;
    freeaddrinfo(found);
    errno = keep;
    return s;
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

/* The child in between ends at once and is waited for; its own child is nobody's business here. */
static void give_away(int listener, int fd)
{
    pid_t between = fork();

    if (between == 0) {
        close(listener);
        if (fork() > 0)
            _exit(0);
        echo(fd);
        _exit(0);
    }
    if (between > 0)
        while (waitpid(between, NULL, 0) == -1 && errno == EINTR)
            ;
}

int serve(const char *port)
{
    int s = listening_socket(port), fd, error;

    if (s < 0)
        return -1;
    for (;;) {
        fd = accept(s, NULL, NULL);
        if (fd >= 0) {
            give_away(s, fd);
            close(fd);
            continue;
        }
        switch (error = errno) {
        case EBADF:
        case EFAULT:
        case EINVAL:
        case ENOTSOCK:
            close(s);
            errno = error;
            return -1;
        case EINTR:
        case ECONNABORTED:
            break;
        default:
            nanosleep(&(struct timespec){ .tv_nsec = 15000000 }, NULL);
        }
    }
}
