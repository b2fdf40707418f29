/* stranger: 14_connect_deadline c wrong
 * expect: fail
 * gap: other
 * cause: every error of a connection that is on its way is taken for a refusal
 * shows: the last address cannot be reached
 * says: EHOSTUNREACH
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

static long clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + t.tv_nsec / 1000000L;
}

static int attempt(const struct addrinfo *ai, long end)
{
    struct pollfd p;
    int flags, r;
    long left;

    p.fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
    p.events = POLLOUT;
    if (p.fd < 0)
        return -1;
    flags = fcntl(p.fd, F_GETFL, 0);
    fcntl(p.fd, F_SETFL, flags | O_NONBLOCK);
    if (connect(p.fd, ai->ai_addr, ai->ai_addrlen) == 0)
        goto done;
    if (errno != EINPROGRESS && errno != EINTR)
        goto failed;
    do {
        left = end - clock_ms();
        r = poll(&p, 1, left > 0 ? (int)left : 0);
    } while (r < 0 && errno == EINTR);
    if (r == 0) {
        errno = ETIMEDOUT;
        goto failed;
    }
    if (r < 0)
        goto failed;
    if (p.revents & (POLLERR | POLLHUP)) {
        errno = ECONNREFUSED;
        goto failed;
    }
done:
    fcntl(p.fd, F_SETFL, flags);
    return p.fd;
failed:
    r = errno;
    close(p.fd);
    errno = r;
    return -1;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, e;
    long end;

    if (milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    e = getaddrinfo(host, port, &hints, &list);
    if (e) {
        if (e != EAI_SYSTEM)
            errno = ENOENT;
        return -1;
    }
    end = clock_ms() + milliseconds;
    for (ai = list; ai && fd < 0; ai = ai->ai_next)
        fd = attempt(ai, end);
    e = errno;
    freeaddrinfo(list);
    errno = e;
    return fd;
}
