/*
 * expect: fail
 * gap: other
 * cause: A stat in front of connect reports what is no socket as ENOTSOCK, where the contract wants connect's own errno.
 * shows: ask on a regular file or a folder gives ENOTSOCK instead of ECONNREFUSED.
 * says: expected -1 with ECONNREFUSED
 */
#define _GNU_SOURCE
#include "unix_datagram.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int fail(int e)
{
    errno = e;
    return -1;
}

static long long ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* after EAGAIN: a short sleep, or -1 when the time was over before the try */
static int rest(long long tried, long long end)
{
    long long left = end - tried;

    if (errno == EINTR)
        return 0;
    if (errno != EAGAIN)
        return -1;
    if (left <= 0)
        return fail(ETIMEDOUT);
    struct timespec t = { 0, left < 3000000 ? (long)left : 3000000L };
    nanosleep(&t, NULL);
    return 0;
}

static int open_to(const char *path)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    struct stat st;
    int fd;

    if (stat(path, &st) < 0)
        return -1;
    if (!S_ISSOCK(st.st_mode))
        return fail(ENOTSOCK);
    strcpy(sa.sun_path, path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    for (;;) {
        if (connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0) {
            sa_family_t none = AF_UNIX;
            if (bind(fd, (struct sockaddr *)&none, sizeof none) == 0)
                return fd;
        } else if (errno == EINTR) {
            continue;
        }
        int e = errno;
        close(fd);
        return fail(e);
    }
}

ssize_t ask(const char *path, const void *question, size_t len, char *answer, size_t size, int milliseconds)
{
    if (!path || !*path)
        return fail(EINVAL);
    if ((!question && len) || (!answer && size))
        return fail(EINVAL);
    if (len > 65536 || milliseconds < 0)
        return fail(EINVAL);
    if (strlen(path) >= sizeof ((struct sockaddr_un *)0)->sun_path)
        return fail(ENAMETOOLONG);

    long long end = ns() + milliseconds * 1000000LL, tried;
    int fd = open_to(path);
    ssize_t n;

    if (fd < 0)
        return -1;
    do {
        tried = ns();
        n = send(fd, question, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (n < 0 && rest(tried, end) == 0);
    if (n >= 0) {
        do {
            tried = ns();
            n = recv(fd, answer, size, MSG_DONTWAIT | MSG_TRUNC);
        } while (n < 0 && rest(tried, end) == 0);
    }
    if (n >= 0 && (n > 65536 || (size_t)n > size))
        n = fail(EMSGSIZE);
    int e = errno;
    close(fd);
    errno = e;
    return n;
}
