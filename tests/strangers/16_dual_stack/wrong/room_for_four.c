/* expect: fail
 * gap: other
 * cause: The text has room for an IPv4 address: inet_ntop() fails for a long IPv6 address, and nothing is sent.
 * shows: A client at an IPv6 address of 16 characters or more.
 * says: has no room in the 16 bytes of INET_ADDRSTRLEN
 */
#include "dual_stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listener_of(int family, const char *port)
{
    struct addrinfo hints, *list;
    int fd, rc, error, one = 1;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = family;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    fd = socket(family, SOCK_STREAM, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
        if ((family == AF_INET6 &&
             setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) == -1) ||
            bind(fd, list->ai_addr, list->ai_addrlen) == -1 ||
            listen(fd, 16) == -1) {
            error = errno;
            close(fd);
            errno = error;
            fd = -1;
        }
    }
    error = errno;
    freeaddrinfo(list);
    errno = error;
    return fd;
}

/* Tell the client of a connection its address. */
static void tell(int fd, const struct sockaddr_storage *who)
{
    char text[INET_ADDRSTRLEN] = "";
    const void *address = who->ss_family == AF_INET
                              ? (const void *)&((const struct sockaddr_in *)who)->sin_addr
                              : (const void *)&((const struct sockaddr_in6 *)who)->sin6_addr;
    size_t len, done = 0;

    inet_ntop(who->ss_family, address, text, sizeof text);
    len = strlen(text);
    while (done < len) {
        ssize_t n = send(fd, text + done, len - done, MSG_NOSIGNAL);

        if (n >= 0)
            done += n;
        else if (errno != EINTR)
            break;
    }
}

int serve(const char *port)
{
    struct pollfd fds[2];
    int i, error;

    fds[0].events = fds[1].events = POLLIN;
    fds[0].fd = listener_of(AF_INET, port);
    if (fds[0].fd == -1)
        return -1;
    fds[1].fd = listener_of(AF_INET6, port);
    if (fds[1].fd == -1 && errno != EAFNOSUPPORT)
        goto failed;

    for (;;) {
        fds[0].revents = fds[1].revents = 0;
        if (poll(fds, 2, -1) == -1)
            continue;
        for (i = 0; i < 2; i++) {
            struct sockaddr_storage who;
            socklen_t len = sizeof who;
            int fd;

            if (fds[i].revents == 0)
                continue;
            fd = accept(fds[i].fd, (struct sockaddr *)&who, &len);
            if (fd >= 0) {
                tell(fd, &who);
                close(fd);
            } else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT) {
                goto failed;
            } else if (errno != EINTR) {
                usleep(10000);
            }
        }
    }
failed:
    error = errno;
    close(fds[0].fd);
    if (fds[1].fd != -1)
        close(fds[1].fd);
    errno = error;
    return -1;
}
