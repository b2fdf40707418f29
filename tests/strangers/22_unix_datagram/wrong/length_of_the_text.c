/* expect: fail
 * gap: other
 * cause: The answer is taken for text that ends at its first zero.
 * shows: An answer with a zero byte in it.
 * says: returned only the first 23 of 26 bytes
 */
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
    return poll(&waiter, 1, (int)left) != -1 || errno == EINTR;
}

/* Give fd an address of its own.  Returns 0, or -1 with errno set. */
static int take_address(int fd)
{
    struct sockaddr_un own = { .sun_family = AF_UNIX };

    /* Without a path it is an abstract one of the kernel's choice (autobind). */
    return bind(fd, (const struct sockaddr *)&own, sizeof own.sun_family);
}

ssize_t ask(const char *path, const void *question, size_t len,
            char *answer, size_t size, int milliseconds)
{
    struct sockaddr_un server = { .sun_family = AF_UNIX };
    long long deadline = now() + milliseconds;
    int fd, error;
    ssize_t n;

    if (path[0] == '\0' || len > LARGEST || milliseconds < 0 ||
        (question == NULL && len > 0) || (answer == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof server.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(server.sun_path, path);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -1;
    /* Connected before it has an address, it never hears anybody else. */
    n = connect(fd, (const struct sockaddr *)&server, sizeof server);
    if (n == 0)
        n = take_address(fd);
    if (n == 0)
        do
            n = send(fd, question, len, 0);
        while (n == -1 && again(fd, POLLOUT, deadline));
    if (n != -1)
        do
            n = recv(fd, answer, size, MSG_TRUNC);      /* its whole length */
        while (n == -1 && again(fd, POLLIN, deadline));
    if (n != -1 && (size_t)n > size) {
        errno = EMSGSIZE;
        n = -1;
    }
    error = errno;
    close(fd);
    errno = error;
    return n == -1 ? -1 : (ssize_t)strnlen(answer, (size_t)n);
}
