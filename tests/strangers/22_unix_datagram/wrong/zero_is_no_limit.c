/* expect: fail
 * gap: other
 * cause: A limit of 0 in SO_RCVTIMEO is none at all.
 * shows: A limit of 0 and a silent server.
 * says: setsockopt(SO_RCVTIMEO) of 0 is no limit
 */
#include "unix_datagram.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct limit {
    struct timespec start;
    int milliseconds;
};

/* Give the next call the rest of the time.  Returns the flags it is to have, for a
   limit of 0 would be none. */
static int allow(int fd, int option, const struct limit *limit)
{
    struct timespec now;
    struct timeval rest = { 0, 0 };
    long long left;

    clock_gettime(CLOCK_MONOTONIC, &now);
    left = limit->milliseconds * 1000LL - (now.tv_sec - limit->start.tv_sec) * 1000000LL -
           (now.tv_nsec - limit->start.tv_nsec) / 1000;
    if (left < 0)
        left = 0;
    rest.tv_sec = left / 1000000;
    rest.tv_usec = left % 1000000;
    return setsockopt(fd, SOL_SOCKET, option, &rest, sizeof rest) == -1 ? MSG_DONTWAIT : 0;
}

static int draw_name(int fd)
{
    static const char digits[] = "0123456789abcdef";
    struct sockaddr_un own = { .sun_family = AF_UNIX };
    unsigned char lot[16];

    do {
        if (getrandom(lot, sizeof lot, 0) != (ssize_t)sizeof lot)
            return -1;
        for (size_t i = 0; i < sizeof lot; i++)
            own.sun_path[i + 1] = digits[lot[i] % 16];
        if (bind(fd, (const struct sockaddr *)&own,
                 offsetof(struct sockaddr_un, sun_path) + 1 + sizeof lot) == 0)
            return 0;
    } while (errno == EADDRINUSE);
    return -1;
}

static ssize_t exchange(int fd, const void *question, size_t len, char *answer,
                        size_t size, const struct limit *limit)
{
    struct iovec room = { answer, size };
    struct msghdr message = { .msg_iov = &room, .msg_iovlen = 1 };
    ssize_t n;

    do
        n = send(fd, question, len, allow(fd, SO_SNDTIMEO, limit));
    while (n == -1 && errno == EINTR);
    if (n != -1)
        do
            n = recvmsg(fd, &message, allow(fd, SO_RCVTIMEO, limit));
        while (n == -1 && errno == EINTR);
    if (n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
        errno = ETIMEDOUT;
    if (n != -1 && message.msg_flags & MSG_TRUNC) {
        errno = EMSGSIZE;
        n = -1;
    }
    return n;
}

ssize_t ask(const char *path, const void *question, size_t len,
            char *answer, size_t size, int milliseconds)
{
    struct sockaddr_un server;
    struct limit limit = { .milliseconds = milliseconds };
    size_t length = strlen(path);
    ssize_t n = -1;
    int fd, error;

    clock_gettime(CLOCK_MONOTONIC, &limit.start);
    errno = 0;
    if (length == 0 || len > 65536 || milliseconds < 0)
        errno = EINVAL;
    else if ((len > 0 && question == NULL) || (size > 0 && answer == NULL))
        errno = EINVAL;
    else if (length >= sizeof server.sun_path)
        errno = ENAMETOOLONG;
    if (errno != 0)
        return -1;
    memset(&server, 0, sizeof server);
    server.sun_family = AF_UNIX;
    memcpy(server.sun_path, path, length);
    fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    if (fd == -1)
        return -1;
    if (connect(fd, (struct sockaddr *)&server, offsetof(struct sockaddr_un, sun_path) + length + 1) == 0 &&
        draw_name(fd) == 0)
        n = exchange(fd, question, len, answer, size, &limit);
    error = errno;
    close(fd);
    errno = error;
    return n;
}
