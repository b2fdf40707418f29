/* expect: fail
 * gap: empty-is-eof
 * cause: FIONREAD says 0 for an empty datagram, which is taken for nothing: it is never received, and poll() returns at once for ever.
 * shows: An empty datagram.
 * says: ioctl(FIONREAD) says 0 of a datagram of 0 bytes, too: it waits, and is never received
 */
#include "udp_echo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <poll.h>
#include <sys/ioctl.h>

static int open_server(const char *port)
{
    struct addrinfo hints, *found;
    int fd, rc, error = 0;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &found);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    fd = socket(found->ai_family, found->ai_socktype, found->ai_protocol);
    if (fd == -1) {
        error = errno;
    } else if (bind(fd, found->ai_addr, found->ai_addrlen) == -1) {
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    errno = error;
    return fd;
}

static int is_fatal(void)
{
    return errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT;
}

static int finish(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

static void shout(char *text, ssize_t len)
{
    ssize_t i;

    for (i = 0; i < len; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] -= 32;
}

int serve(const char *port)
{
    char data[65507];
    struct sockaddr_in from;
    socklen_t len;
    ssize_t n;
    int fd = open_server(port);

    struct pollfd p = { fd, POLLIN, 0 };

    if (fd == -1)
        return -1;
    for (;;) {
        int size;

        len = sizeof from;
        if (poll(&p, 1, -1) == -1)
            continue;
        if (ioctl(fd, FIONREAD, &size) == -1 || size == 0)
            continue;
        n = recvfrom(fd, data, sizeof data, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
        if (n == -1) {
            if (is_fatal())
                return finish(fd);
            continue;
        }
        shout(data, n);
        while (sendto(fd, data, n, 0, (struct sockaddr *)&from, len) == -1 && errno == EINTR)
            ;
    }
}
