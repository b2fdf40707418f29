/* stranger: 14_connect_deadline c wrong
 * expect: fail
 * gap: other
 * cause: time is counted in whole seconds, so that up to a second of the limit is lost
 * shows: nobody answers
 * says: after
 */
#include "connect_deadline.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int is_connected(int fd, time_t end)
{
    struct pollfd p = { .fd = fd, .events = POLLOUT };
    int error = 0, r;
    socklen_t size = sizeof error;

    for (;;) {
        time_t now = time(NULL);
        if (now >= end) {
            errno = ETIMEDOUT;
            return 0;
        }
        r = poll(&p, 1, 100);
        if (r > 0)
            break;
        if (r < 0 && errno != EINTR)
            return 0;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        return 0;
    errno = error;
    return error == 0;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, e;
    time_t end;

    if (milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    e = getaddrinfo(host, port, &hints, &list);
    if (e) {
        if (e != EAI_SYSTEM)
            errno = ENOENT;
        return -1;
    }
    end = time(NULL) + (milliseconds + 999) / 1000;
    for (ai = list; ai; ai = ai->ai_next) {
        int flags;

        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd < 0)
            continue;
        flags = fcntl(fd, F_GETFL);
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 ||
            ((errno == EINPROGRESS || errno == EINTR) && is_connected(fd, end))) {
            fcntl(fd, F_SETFL, flags);
            break;
        }
        e = errno;
        close(fd);
        errno = e;
        fd = -1;
    }
    e = errno;
    freeaddrinfo(list);
    errno = e;
    return fd;
}
