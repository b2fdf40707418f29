/* expect: fail
 * gap: restarted-clock
 * cause: After a signal it waits for the whole time that was left before.
 * shows: Signals come while it waits.
 * says: a signal has started the wait again
 */
#define _GNU_SOURCE
#include "unix_datagram.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static const long long SECOND = 1000000000;

static long long nanoseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

/* Whether fd is ready before the end; with no time left, whether it is now. */
static bool ready(int fd, short events, long long end)
{
    struct pollfd p = { .fd = fd, .events = events };

    long long left = end - nanoseconds();

    for (;;) {
        struct timespec t = { 0, 0 };
        int n;

        if (left > 0)
            t = (struct timespec){ left / SECOND, left % SECOND };
        n = ppoll(&p, 1, &t, NULL);
        if (n > 0)
            return true;
        if (n == 0) {
            errno = ETIMEDOUT;
            return false;
        }
        if (errno != EINTR)
            return false;
    }
}

static ssize_t exchange(int fd, const void *question, size_t len, char *answer,
                        size_t size, long long end)
{
    ssize_t n;

    do {
        if (!ready(fd, POLLOUT, end))
            return -1;
        n = send(fd, question, len, MSG_DONTWAIT);
    } while (n == -1 && (errno == EAGAIN || errno == EINTR));
    if (n == -1)
        return -1;
    do {
        if (!ready(fd, POLLIN, end))
            return -1;
        n = recv(fd, answer, size, MSG_DONTWAIT | MSG_TRUNC);
    } while (n == -1 && (errno == EAGAIN || errno == EINTR));
    if (n > 0 && (size_t)n > size) {
        errno = EMSGSIZE;
        return -1;
    }
    return n;
}

ssize_t ask(const char *path, const void *question, size_t len,
            char *answer, size_t size, int milliseconds)
{
    struct sockaddr_un server = { .sun_family = AF_UNIX };
    struct sockaddr_un own = { .sun_family = AF_UNIX };
    char folder[] = "/tmp/ask-XXXXXX";
    long long end = nanoseconds() + milliseconds * (SECOND / 1000);
    ssize_t n = -1;
    int fd, error;

    if (milliseconds < 0 || len > 1 << 16 || *path == '\0' || (len != 0 && !question) ||
        (size != 0 && !answer))
        return errno = EINVAL, -1;
    if (strlen(path) > 107)
        return errno = ENAMETOOLONG, -1;
    memcpy(server.sun_path, path, strlen(path));
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    if (connect(fd, (struct sockaddr *)&server, sizeof server) == 0 && mkdtemp(folder)) {
        snprintf(own.sun_path, sizeof own.sun_path, "%s/own", folder);
        if (bind(fd, (struct sockaddr *)&own, sizeof own) == 0) {
            n = exchange(fd, question, len, answer, size, end);
            error = errno;
            unlink(own.sun_path);
            errno = error;
        }
        error = errno;
        rmdir(folder);
        errno = error;
    }
    error = errno;
    close(fd);
    errno = error;
    return n;
}
