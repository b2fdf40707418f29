/*
 * expect: fail
 * gap: other
 * cause: poll() returning -1 with EINTR is taken for the end of the wait like 0, so each signal uses up an attempt: the question is sent again too early, and the query times out long before its time.
 * shows: when a signal handler runs while query waits (poll is never restarted), for instance an interval timer with attempts 1 and an answer that comes later.
 * says: because a signal interrupted poll() at
 */
#define _GNU_SOURCE
#include "udp_query.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct wanted {
    unsigned char bytes[65527];
    size_t len;
};

static long millis_since(const struct timespec *start)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (t.tv_sec - start->tv_sec) * 1000L + (t.tv_nsec - start->tv_nsec) / 1000000L;
}

static int send_question(int fd, const struct wanted *w)
{
    for (;;) {
        if (send(fd, w->bytes, w->len, 0) >= 0)
            return 0;
        if (errno != EINTR)
            return -1;
    }
}

/* length of the reply in buf, -1 for an error, -2 for silence */
static ssize_t wait_reply(int fd, const struct wanted *w, unsigned char *buf, size_t size, int ms)
{
    struct pollfd pfd = { fd, POLLIN, 0 };
    struct timespec start;
    ssize_t n;

    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        long left = ms - millis_since(&start);

        if (left <= 0)
            return -2;
        if (poll(&pfd, 1, (int)left) <= 0)
            return -2;                  /* time is up */
        n = recv(fd, buf, size, MSG_DONTWAIT);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR)
                continue;
            return -1;
        }
        if (n >= 2 && buf[0] == w->bytes[0] && buf[1] == w->bytes[1])
            return n;
    }
}

static ssize_t ask_server(const struct addrinfo *ai, const struct wanted *w,
                          unsigned char *buf, size_t size, int attempts, int ms)
{
    ssize_t n = -2;
    int err;
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);

    if (fd < 0)
        return -1;
    if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
        n = -1;
    while (n == -2 && attempts-- > 0) {
        if (send_question(fd, w) < 0)
            n = -1;
        else
            n = wait_reply(fd, w, buf, size, ms);
    }
    err = n == -2 ? ETIMEDOUT : errno;
    close(fd);
    errno = err;
    return n < 0 ? -1 : n;
}

ssize_t query(const char *host, const char *port, const void *question, size_t len,
              char *answer, size_t size, int attempts, int milliseconds)
{
    unsigned char buf[65536];
    struct wanted w;
    struct addrinfo hints, *list;
    ssize_t n = -1;
    int rc, err;

    if (!host || !port || (!question && len) || (!answer && size) || attempts < 1 || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (len > sizeof w.bytes - 2) {
        errno = EMSGSIZE;
        return -1;
    }
    if (getrandom(w.bytes, 2, 0) != 2)
        return -1;
    if (len)
        memcpy(w.bytes + 2, question, len);
    w.len = len + 2;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_DGRAM;
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc) {
        if (rc != EAI_SYSTEM || !errno)
            errno = EADDRNOTAVAIL;
        return -1;
    }
    for (struct addrinfo *ai = list; ai && n < 0; ai = ai->ai_next)
        n = ask_server(ai, &w, buf, sizeof buf, attempts, milliseconds);
    err = errno;
    freeaddrinfo(list);
    errno = err;
    if (n < 0)
        return -1;
    if ((size_t)n - 2 > size) {
        errno = EMSGSIZE;
        return -1;
    }
    if (n > 2)
        memcpy(answer, buf + 2, (size_t)n - 2);
    return n - 2;
}
