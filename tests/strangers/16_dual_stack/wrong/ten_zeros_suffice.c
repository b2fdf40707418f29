/* expect: fail
 * gap: other
 * cause: Ten zero bytes in front are taken for a mapped address: ::1 and ::1.2.3.4 begin with as many.
 * shows: A client at ::1.
 * says: write() tells the client '0.0.0.1'; its address is ::1
 */
#include "dual_stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int listen_to_all(const char *port)
{
    static const int families[] = { AF_INET6, AF_INET };
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *list;
    int fd = -1, i, rc, error, yes = 1, no = 0;

    for (i = 0; i < 2 && fd == -1; i++) {
        fd = socket(families[i], SOCK_STREAM, 0);
        if (fd == -1 && errno != EAFNOSUPPORT)
            return -1;
        hints.ai_family = families[i];
    }
    if (fd == -1)
        return -1;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        error = rc == EAI_SYSTEM ? errno : EINVAL;
        close(fd);
        errno = error;
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        (hints.ai_family == AF_INET ||
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no) == 0) &&
        bind(fd, list->ai_addr, list->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) {
        freeaddrinfo(list);
        return fd;
    }
    error = errno;
    freeaddrinfo(list);
    close(fd);
    errno = error;
    return -1;
}

/* The client's address as text; its length. */
static int describe(int fd, const struct sockaddr *who, socklen_t len, char *text, size_t size)
{
    const unsigned char *b;

    (void)fd;
    (void)len;
    if (who->sa_family == AF_INET) {
        b = (const unsigned char *)&((const struct sockaddr_in *)who)->sin_addr;
        return snprintf(text, size, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
    }
    b = ((const struct sockaddr_in6 *)who)->sin6_addr.s6_addr;
    if (memcmp(b, "\0\0\0\0\0\0\0\0\0\0", 10) == 0)
        return snprintf(text, size, "%d.%d.%d.%d", b[12], b[13], b[14], b[15]);
    inet_ntop(AF_INET6, b, text, size);
    return strlen(text);
}

int serve(const char *port)
{
    struct timespec pause = { 0, 20 * 1000 * 1000 };
    int listener;

    signal(SIGPIPE, SIG_IGN);
    listener = listen_to_all(port);
    if (listener < 0)
        return -1;
    while (1) {
        struct sockaddr_storage who;
        socklen_t len = sizeof who;
        char text[100];
        int fd = accept(listener, (struct sockaddr *)&who, &len), size, sent = 0;

        if (fd < 0) {
            int error = errno;

            if (error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT) {
                close(listener);
                errno = error;
                return -1;
            }
            if (error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS)
                nanosleep(&pause, NULL);
            continue;
        }
        size = describe(fd, (struct sockaddr *)&who, len, text, sizeof text);
        while (sent < size) {
            ssize_t n = write(fd, text + sent, size - sent);

            if (n < 0 && errno != EINTR)
                break;
            if (n > 0)
                sent += n;
        }
        close(fd);
    }
}
