/* A socket that is not connected, and a timer, both watched by epoll. */

#define _GNU_SOURCE
#include "stop_and_wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { TIMER, SOCKET };

struct watch {
    int epoll, timer, socket;
};

static void release(struct watch *w)
{
    int error = errno;

    if (w->epoll != -1)
        close(w->epoll);
    if (w->timer != -1)
        close(w->timer);
    if (w->socket != -1)
        close(w->socket);
    errno = error;
}

static int add(struct watch *w, int fd, uint32_t which)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u32 = which };

    return epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int prepare(struct watch *w)
{
    w->timer = w->socket = -1;
    w->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (w->epoll != -1)
        w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (w->timer != -1)
        w->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (w->socket != -1 && add(w, w->timer, TIMER) == 0 && add(w, w->socket, SOCKET) == 0)
        return 0;
    release(w);
    return -1;
}

static int start(struct watch *w, int milliseconds)
{
    struct itimerspec t = { .it_value = { milliseconds / 1000, milliseconds % 1000 * 1000000L } };

    if (milliseconds == 0)
        t.it_value.tv_nsec = 1;
    return timerfd_settime(w->timer, 0, &t, NULL);
}

/* The next datagram: its length; -1 on errors; -2 when the timer has expired. */
static ssize_t next(struct watch *w, unsigned char *datagram, size_t size,
                    struct sockaddr_in *from)
{
    for (;;) {
        struct epoll_event events[2];
        socklen_t length = sizeof *from;
        uint64_t times;
        int is_over = 0, n = epoll_wait(w->epoll, events, 2, -1);
        ssize_t got;

        if (n == -1 && errno != EINTR)
            return -1;
        for (int i = 0; i < n; i++)
            is_over |= events[i].data.u32 == TIMER;
        got = recvfrom(w->socket, datagram, size, 0, (struct sockaddr *)from, &length);
        if (got != -1)
            return got;
        if (errno != EAGAIN && errno != EINTR)
            return -1;
        if (is_over && read(w->timer, &times, sizeof times) == sizeof times)
            return -2;
    }
}

static int is_same(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_addr.s_addr == b->sin_addr.s_addr && a->sin_port == b->sin_port;
}

static int put(struct watch *w, const struct sockaddr_in *to, const unsigned char *datagram,
               size_t size)
{
    ssize_t n;

    do
        n = sendto(w->socket, datagram, size, 0, (const struct sockaddr *)to, sizeof *to);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -1 : 0;
}

static int confirmed(struct watch *w, const struct sockaddr_in *to, const unsigned char *datagram,
                     size_t size, int milliseconds)
{
    for (int i = 0; i < 40; i++) {
        unsigned char got[4];
        struct sockaddr_in from;
        ssize_t n;

        if (put(w, to, datagram, size) == -1 || start(w, milliseconds) == -1)
            return -1;
        while ((n = next(w, got, sizeof got, &from)) >= 0)
            if (n == 2 && got[0] == 1 && got[1] == datagram[1] && is_same(to, &from))
                return 0;
        if (n == -1)
            return -1;
    }
    errno = ETIMEDOUT;
    return -1;
}

/* 0, 1 if nothing was confirmed, -1 if something was. */
static int transfer(const struct sockaddr_in *to, const char *data, size_t len, int milliseconds)
{
    unsigned char datagram[514] = { 0, 0 };
    struct watch w;
    size_t done = 0, piece;
    int result = 0, first = 1;

    if (prepare(&w) == -1)
        return 1;
    do {
        piece = len - done < 512 ? len - done : 512;
        if (piece > 0)
            memcpy(datagram + 2, data + done, piece);
        if (confirmed(&w, to, datagram, 2 + piece, milliseconds) == -1)
            result = first ? 1 : -1;
        first = 0;
        done += piece;
        datagram[1] ^= 1;
    } while (result == 0 && piece > 0);
    release(&w);
    return result;
}

static int lookup(const char *host, const char *port, struct addrinfo **list)
{
    struct addrinfo hints;
    int code;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_protocol = IPPROTO_UDP;
    hints.ai_flags = host == NULL ? AI_PASSIVE : 0;
    code = getaddrinfo(host, port, &hints, list);
    if (code != 0 && code != EAI_SYSTEM)
        errno = EADDRNOTAVAIL;
    return code;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len,
                  int milliseconds)
{
    struct addrinfo *list, *a;
    int result = 1, error;

    if (milliseconds < 0 || (!data && len)) {
        errno = EINVAL;
        return -1;
    }
    if (lookup(host, port, &list) != 0)
        return -1;
    for (a = list; a && result == 1; a = a->ai_next)
        result = transfer((struct sockaddr_in *)a->ai_addr, data, len, milliseconds);
    error = errno;
    freeaddrinfo(list);
    errno = error;
    return result == 0 ? 0 : -1;
}

static ssize_t gather(struct watch *w, char *data, size_t size, int milliseconds)
{
    unsigned char datagram[600], answer[2] = { 1, 0 };
    struct sockaddr_in sender = { .sin_family = AF_UNSPEC }, from;
    size_t filled = 0;
    unsigned expected = 0;
    ssize_t n;

    while ((n = next(w, datagram, sizeof datagram, &from)) >= 0) {
        if (n < 2 || n > 514 || datagram[0] || datagram[1] > 1)
            continue;
        if (sender.sin_family == AF_UNSPEC ? datagram[1] : !is_same(&sender, &from))
            continue;
        if (datagram[1] == expected && (size_t)n - 2 > size - filled) {
            errno = EMSGSIZE;
            return -1;
        }
        sender = from;
        answer[1] = datagram[1];
        if (put(w, &from, answer, 2) == -1)
            return -1;
        if (datagram[1] != expected)
            continue;
        expected = !expected;
        if (n == 2)
            break;
        memcpy(data + filled, datagram + 2, (size_t)n - 2);
        filled += (size_t)n - 2;
    }
    if (n == -1 || start(w, milliseconds) == -1)
        return -1;
    while ((n = next(w, datagram, sizeof datagram, &from)) >= 0)
        if (n == 2 && datagram[0] == 0 && datagram[1] == answer[1] && is_same(&sender, &from))
            if (put(w, &from, answer, 2) == -1 || start(w, milliseconds) == -1)
                return -1;
    return n == -1 ? -1 : (ssize_t)filled;
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo *list;
    struct watch w;
    ssize_t n = -1;
    int error;

    if (milliseconds < 0 || (!data && size)) {
        errno = EINVAL;
        return -1;
    }
    if (lookup(NULL, port, &list) != 0)
        return -1;
    if (prepare(&w) == 0) {
        if (bind(w.socket, list->ai_addr, list->ai_addrlen) == 0)
            n = gather(&w, data, size, milliseconds);
        release(&w);
    }
    error = errno;
    freeaddrinfo(list);
    errno = error;
    return n;
}
