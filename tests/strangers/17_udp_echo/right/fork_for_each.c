/* expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#include "udp_echo.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <sys/wait.h>

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

/* The kernel is asked for the capitals in a process of its own, as inetd did. */
int serve(const char *port)
{
    static char data[65507];
    int fd = open_server(port);

    if (fd == -1)
        return -1;
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &len);
        pid_t child;

        if (n == -1) {
            if (is_fatal())
                return finish(fd);
            continue;
        }
        child = fork();
        if (child <= 0) {
            shout(data, n);
            while (sendto(fd, data, n, 0, (struct sockaddr *)&from, len) == -1 && errno == EINTR)
                ;
            if (child == 0)
                _exit(0);
        } else {
            while (waitpid(child, NULL, 0) == -1 && errno == EINTR)
                ;
        }
    }
}
