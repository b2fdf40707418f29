/*
 * expect: fail
 * gap: left-path
 * cause: On the way out the folder is removed before the socket file in it; rmdir fails with ENOTEMPTY, which nobody sees, and the empty folder stays.
 * shows: Every ask that got as far as its own address leaves a new empty folder in /tmp.
 */
#define _GNU_SOURCE
#include "unix_datagram.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    int fd;
    char dir[24];
    struct sockaddr_un own;
    long long deadline;
} asker;

static long long msec(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1000LL * t.tv_sec + t.tv_nsec / 1000000;
}

static int asker_open(asker *a, const char *path)
{
    struct sockaddr_un server = { .sun_family = AF_UNIX };

    a->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (a->fd < 0)
        return -1;
    strcpy(server.sun_path, path);
    while (connect(a->fd, (struct sockaddr *)&server, sizeof server) < 0)
        if (errno != EINTR)
            return -1;
    strcpy(a->dir, "/tmp/askXXXXXX");
    if (!mkdtemp(a->dir)) {
        a->dir[0] = 0;
        return -1;
    }
    a->own.sun_family = AF_UNIX;
    snprintf(a->own.sun_path, sizeof a->own.sun_path, "%s/client", a->dir);
    if (bind(a->fd, (struct sockaddr *)&a->own, sizeof a->own) < 0) {
        a->own.sun_path[0] = 0;
        return -1;
    }
    if (chmod(a->dir, 0711) < 0 || chmod(a->own.sun_path, 0666) < 0)
        return -1;
    return 0;
}

static void asker_close(asker *a)
{
    int e = errno;

    if (a->dir[0])
        rmdir(a->dir);
    if (a->own.sun_path[0])
        unlink(a->own.sun_path);
    if (a->fd >= 0)
        close(a->fd);
    errno = e;
}

static int asker_wait(asker *a, short events)
{
    struct pollfd p = { a->fd, events, 0 };
    long long left = a->deadline - msec();

    if (left <= 0) {
        errno = ETIMEDOUT;
        return -1;
    }
    if (left > 3600000)
        left = 3600000;
    if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
        return -1;
    return 0;
}

static ssize_t asker_talk(asker *a, const void *q, size_t len, char *answer, size_t size)
{
    ssize_t n;

    while (send(a->fd, q, len, MSG_NOSIGNAL) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || asker_wait(a, POLLOUT) < 0)
            return -1;
    }
    while ((n = recv(a->fd, answer, size, MSG_TRUNC)) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || asker_wait(a, POLLIN) < 0)
            return -1;
    }
    if (n > 65536 || (size_t)n > size) {
        errno = EMSGSIZE;
        return -1;
    }
    return n;
}

ssize_t ask(const char *path, const void *question, size_t len, char *answer, size_t size, int milliseconds)
{
    asker a = { .fd = -1 };
    ssize_t n = -1;

    if (!path || !*path || milliseconds < 0 || len > 65536 || (len && !question) || (size && !answer)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    a.deadline = msec() + milliseconds + (milliseconds > 0);
    if (asker_open(&a, path) == 0)
        n = asker_talk(&a, question, len, answer, size);
    asker_close(&a);
    return n;
}
