/*
 * expect: fail
 * gap: waits-for-ever
 * cause: The whole limit goes into tv_usec; from a second on setsockopt refuses that with EDOM, nobody looks at its result, and the socket has no time limit at all.
 * shows: ask with a limit of more than 1,000 ms and a server that does not answer (or a queue that stays full) never returns.
 */
#define _GNU_SOURCE
#include "unix_datagram.h"
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t usec(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* flags for the next call */
static int set_limit(int fd, int which, int64_t end)
{
    struct timeval tv = { 0, 0 };
    int64_t left = end - usec();

    if (left <= 0)
        return MSG_DONTWAIT;
    tv.tv_usec = left;
    setsockopt(fd, SOL_SOCKET, which, &tv, sizeof tv);
    return 0;
}

static int retry(int flags)
{
    if (errno == EINTR)
        return 1;
    if (errno == EAGAIN) {
        if (flags == 0)
            return 1;
        errno = ETIMEDOUT;
    }
    return 0;
}

ssize_t ask(const char *path, const void *question, size_t len, char *answer, size_t size, int milliseconds)
{
    struct sockaddr_un server;
    sa_family_t family = AF_UNIX;
    ssize_t n;
    int fd, flags, saved;

    if (path == NULL || path[0] == '\0' || milliseconds < 0 || len > 65536) {
        errno = EINVAL;
        return -1;
    }
    if ((question == NULL && len) || (answer == NULL && size)) {
        errno = EINVAL;
        return -1;
    }
    memset(&server, 0, sizeof server);
    server.sun_family = AF_UNIX;
    if (strlen(path) >= sizeof server.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(server.sun_path, path);
    int64_t end = usec() + (int64_t)milliseconds * 1000;

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    do
        n = connect(fd, (struct sockaddr *)&server, sizeof server);
    while (n == -1 && errno == EINTR);
    if (n == 0)
        n = bind(fd, (struct sockaddr *)&family, sizeof family);
    if (n == 0) {
        do {
            flags = set_limit(fd, SO_SNDTIMEO, end);
            n = send(fd, question, len, flags | MSG_NOSIGNAL);
        } while (n == -1 && retry(flags));
    }
    if (n != -1) {
        do {
            flags = set_limit(fd, SO_RCVTIMEO, end);
            n = recv(fd, answer, size, flags | MSG_TRUNC);
        } while (n == -1 && retry(flags));
    }
    if (n > 65536 || (n >= 0 && (size_t)n > size)) {
        errno = EMSGSIZE;
        n = -1;
    }
    saved = errno;
    close(fd);
    errno = saved;
    return n;
}
