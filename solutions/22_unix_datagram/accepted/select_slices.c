/* Looks 20 times a second; whoever asks for credentials gets an address, too; what
   came before the server was known is compared with its name. */

#include "unix_datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static double seconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Sleep until fd may be ready, a moment at the most.  Returns 0, or -1 at the end. */
static int doze(int fd, int to_send, double end)
{
    double left = end - seconds_now();
    struct timeval slice = { 0, 50000 };
    fd_set set;

    if (left <= 0 || fd >= FD_SETSIZE) {
        errno = left <= 0 ? ETIMEDOUT : EMFILE;
        return -1;
    }
    if (left < 0.05)
        slice.tv_usec = (suseconds_t)(left * 1e6) + 1;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    if (select(fd + 1, to_send ? NULL : &set, to_send ? &set : NULL, NULL, &slice) == -1 &&
        errno != EINTR)
        return -1;
    return 0;
}

static int connect_named(const struct sockaddr_un *server)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM, 0), on = 1, error;

    if (fd == -1)
        return -1;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0 &&
        connect(fd, (const struct sockaddr *)server, sizeof *server) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int is_from(const struct sockaddr_un *a, socklen_t la, const struct sockaddr_un *b,
                   socklen_t lb)
{
    return la == lb && memcmp(a, b, la) == 0;
}

ssize_t ask(const char *path, const void *question, size_t len,
            char *answer, size_t size, int milliseconds)
{
    double end = seconds_now() + milliseconds / 1000.0;
    struct sockaddr_un server = { .sun_family = AF_UNIX }, sender;
    socklen_t known = sizeof server, length;
    ssize_t n;
    int fd, error, sent = 0;

    if (!*path || len > 65536 || milliseconds < 0 || (!question && len) ||
        (!answer && size)) {
        errno = EINVAL;
        return -1;
    }
    if (memccpy(server.sun_path, path, '\0', sizeof server.sun_path) == NULL) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = connect_named(&server);
    if (fd == -1)
        return -1;
    n = getpeername(fd, (struct sockaddr *)&server, &known);
    while (n != -1) {
        if (!sent) {
            n = write(fd, question, len);
            sent = n != -1;
        } else {
            length = sizeof sender;
            n = recvfrom(fd, answer, size, MSG_TRUNC, (struct sockaddr *)&sender, &length);
            if (n != -1 && is_from(&sender, length, &server, known))
                break;
        }
        if (n == -1 && errno == EAGAIN)
            n = doze(fd, !sent, end);
        else if (n == -1 && errno == EINTR)
            n = 0;
    }
    if (n > 0 && (size_t)n > size) {
        errno = EMSGSIZE;
        n = -1;
    }
    error = errno;
    close(fd);
    errno = error;
    return n;
}
