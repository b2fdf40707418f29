/*
 * expect: fail
 * gap: other
 * cause: When connect fails the function returns at once, without the way out that closes the socket, which already has its abstract address.
 * shows: Every ask of an absent or dead server leaves one descriptor (and one abstract address in /proc/net/unix) in the calling process.
 * says: whose connect() failed with ENOENT, is never closed
 */
#define _GNU_SOURCE
#include "unix_datagram.h"
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t ms_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_until(int fd, short ev, int64_t end)
{
    struct pollfd p = { fd, ev, 0 };
    int64_t left = end - ms_now();

    if (left <= 0) {
        errno = ETIMEDOUT;
        return -1;
    }
    if (left > 1000000)
        left = 1000000;
    return poll(&p, 1, (int)left) < 0 && errno != EINTR ? -1 : 0;
}

/* throws away what came before the socket was connected */
static void drain(int fd)
{
    char c;
    while (recv(fd, &c, 1, MSG_DONTWAIT) >= 0)
        ;
}

ssize_t ask(const char *path, const void *question, size_t len, char *answer, size_t size, int milliseconds)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    ssize_t n = -1;
    int fd, e;

    if (!path || !*path || len > 65536 || milliseconds < 0 || (!question && len) || (!answer && size)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof sa.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int64_t end = ms_now() + milliseconds + (milliseconds != 0);

    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&sa, sizeof(sa_family_t)) < 0)
        goto out;
    strcpy(sa.sun_path, path);
    while (connect(fd, (struct sockaddr *)&sa, sizeof sa) < 0)
        if (errno != EINTR)
            return -1;
    drain(fd);

    while (send(fd, question, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || wait_until(fd, POLLOUT, end) < 0)
            goto out;
    }
    while ((n = recv(fd, answer, size, MSG_DONTWAIT | MSG_TRUNC)) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || wait_until(fd, POLLIN, end) < 0)
            goto out;
    }
    if ((size_t)n > size || n > 65536) {
        errno = EMSGSIZE;
        n = -1;
    }
out:
    e = errno;
    close(fd);
    errno = e;
    return n;
}
