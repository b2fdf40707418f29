/* A blocking recv() with SO_RCVTIMEO, set anew for what is left of each wait;
   one allocated datagram out, one in. */

#include "udp_query.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LARGEST 65536

static long long microseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* The length of the reply, or -1. */
static ssize_t await_reply(int fd, const char *id, char *reply, long long end)
{
    for (;;) {
        long long rest = end - microseconds();
        struct timeval limit = { rest / 1000000, rest % 1000000 };
        ssize_t n;

        if (rest <= 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == -1)
            return -1;
        n = recv(fd, reply, LARGEST, 0);
        if (n == -1 && errno != EAGAIN && errno != EINTR)
            return -1;
        if (n >= 2 && reply[0] == id[0] && reply[1] == id[1])
            return n;
    }
}

static ssize_t try_address(const struct addrinfo *a, const char *request,
                           size_t length, char *reply, int attempts,
                           int milliseconds)
{
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol), error;
    ssize_t n = -1;

    if (fd == -1)
        return -1;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
        do {
            while ((n = send(fd, request, length, 0)) == -1 && errno == EINTR)
                ;
            if (n == -1)
                break;
            n = await_reply(fd, request, reply,
                            microseconds() + milliseconds * 1000LL);
        } while (n == -1 && errno == ETIMEDOUT && --attempts > 0);
    }
    error = errno;
    close(fd);
    errno = error;
    return n;
}

ssize_t query(const char *host, const char *port, const void *question, size_t len,
              char *answer, size_t size, int attempts, int milliseconds)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list, *a;
    char *request, *reply;
    ssize_t n = -1;
    int error;

    if (attempts < 1 || milliseconds < 0 || (!question && len) || (!answer && size))
        return errno = EINVAL, -1;
    if (len > LARGEST)
        return errno = EMSGSIZE, -1;
    error = getaddrinfo(host, port, &hints, &list);
    if (error != 0) {
        if (error != EAI_SYSTEM)
            errno = EHOSTUNREACH;
        return -1;
    }
    request = malloc(len + 2 + LARGEST);
    if (request != NULL && getrandom(request, 2, 0) == 2) {
        reply = request + len + 2;
        if (len > 0)
            memcpy(request + 2, question, len);
        for (a = list; a != NULL && n == -1; a = a->ai_next)
            n = try_address(a, request, len + 2, reply, attempts, milliseconds);
        if (n != -1) {
            n -= 2;
            if ((size_t)n > size) {
                errno = EMSGSIZE;
                n = -1;
            } else if (n > 0) {
                memcpy(answer, reply + 2, (size_t)n);
            }
        }
    }
    error = errno;
    free(request);
    freeaddrinfo(list);
    errno = error;
    return n;
}
