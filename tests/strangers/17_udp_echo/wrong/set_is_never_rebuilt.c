/* expect: fail
 * gap: other
 * cause: The set is filled once: after the first time limit select() has emptied it, and no datagram is ever seen again.
 * shows: A second of silence, then a datagram.
 * says: a datagram lies unread in the program's socket; serve() sleeps in select()
 */
#include "udp_echo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <sys/select.h>

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
    fd_set set;
    ssize_t n;
    int fd = open_server(port);

    if (fd == -1)
        return -1;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    for (;;) {
        struct timeval tick = { 1, 0 };

        len = sizeof from;
        if (select(fd + 1, &set, NULL, NULL, &tick) <= 0)
            continue;
        n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &len);
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
