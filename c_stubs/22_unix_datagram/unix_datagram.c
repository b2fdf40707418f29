/* Ask a datagram server at a path, within a time limit. */

#include "unix_datagram.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST = 65536 };       /* bytes of a question */

/* Milliseconds on a clock that nobody sets. */
static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Whether to repeat a call on fd that has just failed; waits until it may succeed,
   but not beyond the deadline. */
static int again(int fd, short event, long long deadline)
{
    struct pollfd waiter = { .fd = fd, .events = event };
    long long left = deadline - now();

    if (errno == EINTR)
        return 1;
    if (errno != EAGAIN)
        return 0;
    if (left <= 0) {
        errno = ETIMEDOUT;
        return 0;
    }
    while (poll(&waiter, 1, (int)left) == -1)
        if (errno != EINTR)
            return 0;
    return 1;
}

ssize_t ask(const char *path, const void *question, size_t len,
            char *answer, size_t size, int milliseconds)
{
    struct sockaddr_un server = { .sun_family = AF_UNIX };
    long long deadline = now() + milliseconds;
    int fd, error;
    ssize_t n;

    if (path[0] == '\0' || len > LARGEST ||
        (question == NULL && len > 0) || (answer == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof server.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(server.sun_path, path);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd == -1)
        return -1;
    do
        n = sendto(fd, question, len, 0, (const struct sockaddr *)&server,
                   sizeof server);
    while (n == -1 && again(fd, POLLOUT, deadline));
    if (n != -1)
        do
            n = recv(fd, answer, size, MSG_DONTWAIT);
        while (n == -1 && again(fd, POLLIN, deadline));
    error = errno;
    close(fd);
    errno = error;
    return n;
}
