/* expect: pass
 * gap: none
 * cause: never connected for long: the server's own name is asked for once, and each sender is compared with it
 * shows: -
 */
#define _GNU_SOURCE
#include "unix_datagram.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct name {
    struct sockaddr_un address;
    socklen_t length;
};

static struct timespec left_until(const struct timespec *end, int *none)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec = end->tv_sec - t.tv_sec;
    t.tv_nsec = end->tv_nsec - t.tv_nsec;
    if (t.tv_nsec < 0) {
        t.tv_nsec += 1000000000;
        t.tv_sec--;
    }
    *none = t.tv_sec < 0 || (t.tv_sec == 0 && t.tv_nsec == 0);
    if (*none)
        t = (struct timespec){ 0, 0 };
    return t;
}

/* The name that the socket at path was bound to; connects fd for it. */
static int find_server(int fd, const char *path, struct name *server)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    strcpy(a.sun_path, path);
    if (connect(fd, (struct sockaddr *)&a, sizeof a) == -1)
        return -1;
    server->length = sizeof server->address;
    return getpeername(fd, (struct sockaddr *)&server->address, &server->length);
}

static int pause_for(int fd, short what, const struct timespec *end)
{
    struct pollfd p = { .fd = fd, .events = what };
    int none;
    struct timespec t = left_until(end, &none);

    if (none) {
        errno = ETIMEDOUT;
        return -1;
    }
    return ppoll(&p, 1, &t, NULL) == -1 && errno != EINTR ? -1 : 0;
}

ssize_t ask(const char *path, const void *question, size_t len,
            char *answer, size_t size, int milliseconds)
{
    struct name server, sender;
    struct timespec end;
    ssize_t n = -1;
    int fd, e;

    if (!*path || len > 65536 || milliseconds < 0 || (len && !question) || (size && !answer)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > sizeof server.address.sun_path - 1) {
        errno = ENAMETOOLONG;
        return -1;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += milliseconds / 1000;
    end.tv_nsec += milliseconds % 1000 * 1000000L;
    if (end.tv_nsec > 999999999) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return -1;
    sender.address.sun_family = AF_UNIX;
    if (bind(fd, (struct sockaddr *)&sender.address, offsetof(struct sockaddr_un, sun_path)) == -1 ||
        find_server(fd, path, &server) == -1)
        goto out;
    for (;;) {
        n = send(fd, question, len, 0);
        if (n != -1)
            break;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN || pause_for(fd, POLLOUT, &end) == -1)
            goto out;
    }
    for (;;) {
        struct iovec v = { answer, size };
        struct msghdr m = { .msg_name = &sender.address, .msg_namelen = sizeof sender.address,
                            .msg_iov = &v, .msg_iovlen = 1 };

        n = recvmsg(fd, &m, 0);
        if (n != -1 && m.msg_namelen == server.length &&
            memcmp(&sender.address, &server.address, server.length) == 0) {
            if (m.msg_flags & MSG_TRUNC) {
                errno = EMSGSIZE;
                n = -1;
            }
            break;
        }
        if (n != -1 || errno == EINTR)
            continue;
        if (errno != EAGAIN || pause_for(fd, POLLIN, &end) == -1)
            break;
    }
out:
    e = errno;
    close(fd);
    errno = e;
    return n;
}
