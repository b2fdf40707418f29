/*
 * expect: fail
 * gap: other
 * cause: the port goes through atoi() instead of getaddrinfo, so a service name, or one that does not exist, becomes port 0: the server sits on a port that the kernel picked instead of the service's port or an error.
 * shows: when serve is called with a name ("tftp", "no-such-service"): it neither fails nor listens on the service's port.
 * says: bind() names port 0, for which the kernel chooses another one
 */
#include "udp_echo.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_DATAGRAM 65507

static char buffer[MAX_DATAGRAM];

static int lasting(int error)
{
    return error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT;
}

int serve(const char *port)
{
    struct sockaddr_in me, you;
    socklen_t you_len;
    ssize_t n, i;
    int sockfd, err;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }

    sockfd = socket(AF_INET, SOCK_DGRAM, 0);
    if (sockfd < 0)
        return -1;

    memset(&me, 0, sizeof(me));
    me.sin_family = AF_INET;
    me.sin_addr.s_addr = htonl(INADDR_ANY);
    me.sin_port = htons(atoi(port));

    if (bind(sockfd, (struct sockaddr *)&me, sizeof(me)) < 0) {
        err = errno;
        close(sockfd);
        errno = err;
        return -1;
    }

    while (1) {
        you_len = sizeof(you);
        n = recvfrom(sockfd, buffer, sizeof(buffer), 0, (struct sockaddr *)&you, &you_len);
        if (n < 0) {
            if (lasting(errno)) {
                err = errno;
                close(sockfd);
                errno = err;
                return -1;
            }
            continue;
        }
        for (i = 0; i < n; i++)
            if (buffer[i] >= 'a' && buffer[i] <= 'z')
                buffer[i] -= 'a' - 'A';
        while (sendto(sockfd, buffer, n, 0, (struct sockaddr *)&you, you_len) < 0 && errno == EINTR)
            continue;
    }
}
