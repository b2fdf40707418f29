/*
 * expect: pass
 * gap: none
 * cause: none; one timerfd is the clock for all addresses, connect itself is asked again whether it is through
 * shows: nothing to see
 */
#define _GNU_SOURCE
#include "connect_deadline.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* 0 when something happened on the socket, an errno otherwise */
static int wait_for(int sock, int clock)
{
    struct pollfd both[2] = {
        { .fd = sock, .events = POLLOUT },
        { .fd = clock, .events = POLLIN },
    };
    for (;;) {
        if (poll(both, 2, -1) >= 0)
            return both[0].revents ? 0 : ETIMEDOUT;
        if (errno != EINTR)
            return errno;
    }
}

static int try_address(const struct addrinfo *ai, int clock, int *result)
{
    int verdict = 0;
    int sock = socket(ai->ai_family, ai->ai_socktype | SOCK_NONBLOCK, ai->ai_protocol);
    if (sock == -1)
        return errno;

    while (connect(sock, ai->ai_addr, ai->ai_addrlen) == -1 && errno != EISCONN) {
        socklen_t size = sizeof verdict;
        if (errno != EINPROGRESS && errno != EALREADY && errno != EINTR) {
            verdict = errno;
            break;
        }
        verdict = wait_for(sock, clock);
        if (verdict != 0)
            break;
        if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &verdict, &size) == -1)
            verdict = errno;
        if (verdict != 0)
            break;
    }
    if (verdict == 0) {
        int flags = fcntl(sock, F_GETFL);
        if (flags == -1 || fcntl(sock, F_SETFL, flags & ~O_NONBLOCK) == -1)
            verdict = errno;
    }
    if (verdict != 0)
        close(sock);
    else
        *result = sock;
    return verdict;
}

int connect_within(const char *host, const char *port, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *list;
    struct itimerspec limit = { 0 };
    int clock, sock = -1, verdict = EADDRNOTAVAIL;

    if (host == NULL || port == NULL || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    errno = 0;
    int code = getaddrinfo(host, port, &hints, &list);
    if (code != 0) {
        if (code != EAI_SYSTEM || errno == 0)
            errno = code == EAI_MEMORY ? ENOMEM : code == EAI_AGAIN ? EAGAIN : ENOENT;
        return -1;
    }

    limit.it_value.tv_sec = milliseconds / 1000;
    limit.it_value.tv_nsec = milliseconds == 0 ? 1 : milliseconds % 1000 * 1000000L;
    clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    if (clock == -1 || timerfd_settime(clock, 0, &limit, NULL) == -1) {
        verdict = errno;
    } else {
        for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
            verdict = try_address(ai, clock, &sock);
            if (verdict == 0)
                break;
            /* the clock, or the kernel's own patience? only the first ends it all */
            struct pollfd rung = { .fd = clock, .events = POLLIN };
            if (poll(&rung, 1, 0) == 1) {
                verdict = verdict == ETIMEDOUT || ai->ai_next ? ETIMEDOUT : verdict;
                break;
            }
        }
    }
    freeaddrinfo(list);
    if (clock != -1)
        close(clock);
    if (verdict != 0) {
        errno = verdict;
        return -1;
    }
    return sock;
}
