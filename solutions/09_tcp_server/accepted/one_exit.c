/* Greet one client: one exit, which closes whatever is open. */

#define _GNU_SOURCE /* accept4 */
#include "tcp_server.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void close_if_open(int *fd)
{
    int error = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = error;
}

static int bound(const struct addrinfo *a)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    int yes = 1;

    if (fd == -1)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1
        || bind(fd, a->ai_addr, a->ai_addrlen) == -1)
        close_if_open(&fd);
    return fd;
}

int greet_one(const char *port)
{
    static char text[] = "Hi client - you have successfully connected!";
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE };
    struct iovec rest = { .iov_base = text, .iov_len = sizeof text - 1 };
    struct msghdr message = { .msg_iov = &rest, .msg_iovlen = 1 };
    struct addrinfo *list;
    int server = -1, client = -1, result = -1;
    int code = getaddrinfo(NULL, port, &hints, &list);

    if (code != 0) {
        errno = code == EAI_SYSTEM ? errno : ENOENT;
        return -1;
    }
    for (struct addrinfo *a = list; a != NULL && server == -1; a = a->ai_next)
        server = bound(a);
    code = errno;
    freeaddrinfo(list);
    errno = code;
    if (server == -1 || listen(server, SOMAXCONN) == -1)
        goto done;

    while ((client = accept4(server, NULL, NULL, SOCK_CLOEXEC)) == -1)
        if (errno != EINTR)
            goto done;
    close_if_open(&server);

    while (rest.iov_len > 0) {
        ssize_t n = sendmsg(client, &message, MSG_NOSIGNAL);

        if (n == -1 && errno != EINTR)
            goto done;
        if (n > 0) {
            rest.iov_base = (char *)rest.iov_base + n;
            rest.iov_len -= (size_t)n;
        }
    }
    result = 0;
done:
    close_if_open(&client);
    close_if_open(&server);
    return result;
}
