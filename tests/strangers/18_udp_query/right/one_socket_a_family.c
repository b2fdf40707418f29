/*
 * expect: pass
 * gap: none
 * cause: One socket for each family is kept for all addresses of it and connected anew; ppoll().
 * shows: never
 */
#define _GNU_SOURCE
#include "udp_query.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BIG 65600

static int before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static int wait_for(int fd, const struct timespec *end)
{
    struct pollfd p = { fd, POLLIN, 0 };
    struct timespec t, rest;

    clock_gettime(CLOCK_MONOTONIC, &t);
    if (!before(&t, end))
        return 0;
    rest.tv_sec = end->tv_sec - t.tv_sec;
    rest.tv_nsec = end->tv_nsec - t.tv_nsec;
    if (rest.tv_nsec < 0) {
        rest.tv_sec--;
        rest.tv_nsec += 1000000000;
    }
    return ppoll(&p, 1, &rest, NULL);
}

static ssize_t converse(int fd, char *out, size_t out_len, char *in, int attempts, int ms)
{
    for (; attempts > 0; attempts--) {
        struct timespec end;

        while (send(fd, out, out_len, 0) < 0)
            if (errno != EINTR)
                return -1;
        clock_gettime(CLOCK_MONOTONIC, &end);
        end.tv_nsec += ms % 1000 * 1000000L;
        end.tv_sec += ms / 1000 + end.tv_nsec / 1000000000L;
        end.tv_nsec %= 1000000000L;
        for (;;) {
            int ready = wait_for(fd, &end);
            ssize_t n;

            if (ready == 0)
                break;
            if (ready < 0) {
                if (errno == EINTR)
                    continue;
                return -1;
            }
            n = read(fd, in, BIG);
            if (n < 0 && errno != EINTR)
                return -1;
            if (n > 1 && !strncmp(in, out, 0) && !memcmp(in, out, 2))
                return n;
        }
    }
    errno = ETIMEDOUT;
    return -1;
}

ssize_t query(const char *host, const char *port, const void *question, size_t len,
              char *answer, size_t size, int attempts, int milliseconds)
{
    char out[BIG], in[BIG];
    struct addrinfo hints, *all, *one;
    int four = -1, six = -1, error;
    ssize_t n = -1;

    if (attempts < 1 || milliseconds < 0 || (len && !question) || (size && !answer)) {
        errno = EINVAL;
        return -1;
    }
    if (len > BIG - 2) {
        errno = EMSGSIZE;
        return -1;
    }
    if (getrandom(out, 2, 0) < 2)
        return -1;
    if (len)
        memcpy(out + 2, question, len);
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_DGRAM;
    error = getaddrinfo(host, port, &hints, &all);
    if (error) {
        if (error != EAI_SYSTEM)
            errno = ENXIO;
        return -1;
    }
    for (one = all; one && n < 0; one = one->ai_next) {
        int *fd = one->ai_family == AF_INET6 ? &six : &four;

        if (*fd == -1)
            *fd = socket(one->ai_family, SOCK_DGRAM, 0);
        if (*fd != -1 && connect(*fd, one->ai_addr, one->ai_addrlen) == 0)
            n = converse(*fd, out, len + 2, in, attempts, milliseconds);
        error = errno;
    }
    freeaddrinfo(all);
    if (four != -1)
        close(four);
    if (six != -1)
        close(six);
    if (n >= 2 && (size_t)(n - 2) > size) {
        error = EMSGSIZE;
        n = -1;
    }
    errno = error;
    if (n < 0)
        return -1;
    memmove(n > 2 ? answer : in, in + 2, (size_t)(n - 2));
    return n - 2;
}
