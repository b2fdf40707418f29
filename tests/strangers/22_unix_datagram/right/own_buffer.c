/* expect: pass
 * gap: none
 * cause: a folder of its own, cleared by a descriptor of it; poll() with what is left, the answer into a buffer of its own
 * shows: -
 */
#define _GNU_SOURCE
#include "unix_datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MOST 65536

static long long ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1000LL * t.tv_sec + t.tv_nsec / 1000000;
}

static int wait_for(int fd, int what, long long end)
{
    for (;;) {
        struct pollfd p = { fd, (short)what, 0 };
        long long left = end - ms();
        int n = poll(&p, 1, left < 0 ? 0 : (int)left);

        if (n > 0)
            return 0;
        if (n == 0)
            return ETIMEDOUT;
        if (errno != EINTR)
            return errno;
    }
}

/* 0 or an errno. */
static int talk(int fd, const void *q, size_t len, char *buffer, ssize_t *got, long long end)
{
    int e;

    do {
        if ((e = wait_for(fd, POLLOUT, end)) != 0)
            return e;
    } while (send(fd, q, len, MSG_DONTWAIT) == -1 && (e = errno, e == EAGAIN || e == EINTR));
    if (e != 0)
        return e;
    do {
        if ((e = wait_for(fd, POLLIN, end)) != 0)
            return e;
        *got = recv(fd, buffer, MOST + 1, MSG_DONTWAIT);
    } while (*got == -1 && (e = errno, e == EAGAIN || e == EINTR));
    return *got == -1 ? e : 0;
}

static int with_address(int fd, const void *q, size_t len, char *buffer, ssize_t *got, long long end)
{
    char folder[] = "/tmp/.askXXXXXX";
    struct sockaddr_un me = { .sun_family = AF_UNIX };
    int e = 0, dir;

    if (mkdtemp(folder) == NULL)
        return errno;
    dir = open(folder, O_PATH | O_DIRECTORY);
    if (dir == -1) {
        e = errno;
    } else {
        snprintf(me.sun_path, sizeof me.sun_path, "%s/me", folder);
        if (bind(fd, (struct sockaddr *)&me, sizeof me) == -1) {
            e = errno;
        } else {
            e = talk(fd, q, len, buffer, got, end);
            unlinkat(dir, "me", 0);
        }
        close(dir);
    }
    rmdir(folder);
    return e;
}

ssize_t ask(const char *path, const void *question, size_t len,
            char *answer, size_t size, int milliseconds)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    long long end = ms() + milliseconds;
    ssize_t n = -1;
    char *buffer;
    int fd, e = 0;

    if (!*path || len > MOST || milliseconds < 0 || (len && !question) || (size && !answer)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof to.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(to.sun_path, path, strlen(path) + 1);
    buffer = malloc(MOST + 1);
    if (buffer == NULL)
        return -1;
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof to) == -1)
        e = errno;
    else
        e = with_address(fd, question, len, buffer, &n, end);
    if (e == 0 && (n > MOST || (size_t)n > size))
        e = EMSGSIZE;
    if (e == 0 && n > 0)
        memcpy(answer, buffer, (size_t)n);
    if (fd != -1)
        close(fd);
    free(buffer);
    if (e != 0) {
        errno = e;
        return -1;
    }
    return n;
}
