/*
 * expect: pass
 * gap: none
 * cause: none, it is right: never blocks in the socket, sleeps a few milliseconds between tries, until an absolute time.
 * shows: never
 */
#define _GNU_SOURCE
#include "unix_datagram.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef union {
    struct sockaddr sa;
    struct sockaddr_un un;
} address;

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void nap(double most)
{
    double s = most < 0.004 ? most : 0.004;
    struct timespec t = { 0, (long)(s * 1e9) + 1 };
    nanosleep(&t, NULL);
}

static ssize_t attempt(int fd, int receiving, void *data, size_t n)
{
    if (receiving)
        return recv(fd, data, n, MSG_DONTWAIT | MSG_TRUNC);
    return send(fd, data, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t persist(int fd, int receiving, void *data, size_t n, double end)
{
    for (;;) {
        double left = end - seconds_now();
        ssize_t done = attempt(fd, receiving, data, n);
        if (done >= 0)
            return done;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -1;
        if (left <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        nap(left);
    }
}

ssize_t ask(const char *path, const void *question, size_t len, char *answer, size_t size, int milliseconds)
{
    const size_t most = 65536;
    address server, own;
    ssize_t n;
    int fd, e;

    if (!path || !path[0])
        goto bad;
    if (!question && len > 0)
        goto bad;
    if (!answer && size > 0)
        goto bad;
    if (len > most || milliseconds < 0)
        goto bad;

    memset(&server, 0, sizeof server);
    memset(&own, 0, sizeof own);
    server.un.sun_family = own.un.sun_family = AF_UNIX;
    n = (ssize_t)strlen(path);
    if (n > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(server.un.sun_path, path, (size_t)n + 1);

    double end = seconds_now() + milliseconds / 1e3;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    do
        e = connect(fd, &server.sa, sizeof server.un) < 0 ? errno : 0;
    while (e == EINTR);
    if (!e && bind(fd, &own.sa, sizeof own.un.sun_family) < 0)
        e = errno;
    if (!e && persist(fd, 0, (void *)question, len, end) < 0)
        e = errno;
    if (!e) {
        n = persist(fd, 1, answer, size, end);
        if (n < 0)
            e = errno;
        else if ((size_t)n > size || (size_t)n > most)
            e = EMSGSIZE;
    }
    close(fd);
    if (!e)
        return n;
    errno = e;
    return -1;
bad:
    errno = EINVAL;
    return -1;
}
