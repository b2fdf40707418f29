/* Sockets that never block, looked at every five milliseconds: one machine of
   states for the sender, one for the receiver. */

#define _GNU_SOURCE
#include "stop_and_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static struct timespec after(int milliseconds)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += milliseconds / 1000;
    t.tv_nsec += milliseconds % 1000 * 1000000L;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static bool is_over(const struct timespec *end)
{
    struct timespec now = after(0);

    return now.tv_sec != end->tv_sec ? now.tv_sec > end->tv_sec : now.tv_nsec >= end->tv_nsec;
}

static void nap(void)
{
    nanosleep(&(struct timespec){ 0, 5000000 }, NULL);
}

static struct addrinfo *resolved(const char *host, const char *port, int flags)
{
    struct addrinfo hints = { .ai_flags = flags, .ai_family = AF_INET,
                              .ai_socktype = SOCK_DGRAM }, *list = NULL;
    int code = getaddrinfo(host, port, &hints, &list);

    if (code != 0 && code != EAI_SYSTEM)
        errno = EHOSTUNREACH;
    return code == 0 ? list : NULL;
}

struct sender {
    int fd, bit, sends;
    const char *next;
    size_t left;
    bool is_known;
};

/* 0 when all is delivered. */
static int run(struct sender *s, int milliseconds)
{
    for (;;) {
        size_t size = s->left < 512 ? s->left : 512;
        char head[2] = { 0, (char)s->bit };
        struct iovec parts[2] = { { head, 2 }, { (void *)s->next, size } };
        struct timespec end;
        bool heard = false;

        while (writev(s->fd, parts, 2) == -1 && errno != ECONNREFUSED)
            if (errno != EINTR && errno != EAGAIN)
                return -1;
        s->sends++;
        end = after(milliseconds);
        while (!heard && !is_over(&end)) {
            char got[3];
            ssize_t n = read(s->fd, got, sizeof got);

            if (n == -1 && errno == EAGAIN)
                nap();
            else if (n == -1 && errno != EINTR && errno != ECONNREFUSED)
                return -1;
            heard = n == 2 && got[0] == 1 && got[1] == s->bit;
        }
        if (heard && size == 0)
            return 0;
        if (heard) {
            s->is_known = true;
            s->next += size;
            s->left -= size;
            s->bit ^= 1;
            s->sends = 0;
        } else if (s->sends == 40) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
}

int send_reliably(const char *host, const char *port, const void *data, size_t len,
                  int milliseconds)
{
    struct addrinfo *list, *a;
    int result = -1, error = 0;

    if (milliseconds < 0 || (data == NULL && len != 0)) {
        errno = EINVAL;
        return -1;
    }
    list = resolved(host, port, 0);
    if (list == NULL)
        return -1;
    for (a = list; a != NULL && result == -1; a = a->ai_next) {
        struct sender s = { .next = data, .left = len };

        s.fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
        if (s.fd != -1) {
            if (connect(s.fd, a->ai_addr, a->ai_addrlen) == 0)
                result = run(&s, milliseconds);
            error = errno;
            close(s.fd);
        } else {
            error = errno;
        }
        if (s.is_known)
            break;
    }
    freeaddrinfo(list);
    errno = error;
    return result;
}

struct receiver {
    int fd, expected;
    struct sockaddr_in peer;
    bool has_peer, has_ended;
    struct timespec end;
    char *to;
    size_t room, got;
};

static bool is_for(const struct receiver *r, const unsigned char *datagram, ssize_t n,
                   const struct sockaddr_in *from)
{
    if (n < 2 || n > 514 || datagram[0] != 0 || datagram[1] > 1)
        return false;
    if (!r->has_peer)
        return datagram[1] == 0;
    if (from->sin_port != r->peer.sin_port || from->sin_addr.s_addr != r->peer.sin_addr.s_addr)
        return false;
    return !r->has_ended || (n == 2 && datagram[1] != r->expected);
}

/* Look once: -1 on errors, 0 if there was nothing, else 1. */
static int look(struct receiver *r, int milliseconds)
{
    unsigned char datagram[515];
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    ssize_t n = recvfrom(r->fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &length);
    size_t size = n > 2 ? (size_t)n - 2 : 0;
    bool is_new;

    if (n == -1)
        return errno == EAGAIN ? 0 : errno == EINTR ? 1 : -1;
    if (!is_for(r, datagram, n, &from))
        return 1;
    is_new = datagram[1] == r->expected;
    if (is_new && size > r->room - r->got) {
        errno = EMSGSIZE;
        return -1;
    }
    r->has_peer = true;
    r->peer = from;
    if (is_new) {
        if (size > 0)
            memcpy(r->to + r->got, datagram + 2, size);
        r->got += size;
        r->expected ^= 1;
        r->has_ended = size == 0;
    }
    datagram[0] = 1;
    while (sendto(r->fd, datagram, 2, 0, (struct sockaddr *)&from, length) == -1)
        if (errno != EINTR)
            break;
    if (r->has_ended)
        r->end = after(milliseconds);
    return 1;
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct receiver r = { .to = data, .room = size };
    struct addrinfo *list;
    int seen = 0, error;

    if (milliseconds < 0 || (data == NULL && size != 0)) {
        errno = EINVAL;
        return -1;
    }
    list = resolved(NULL, port, AI_PASSIVE);
    if (list == NULL)
        return -1;
    r.fd = socket(list->ai_family, list->ai_socktype, list->ai_protocol);
    if (r.fd == -1 || fcntl(r.fd, F_SETFL, O_NONBLOCK) == -1 ||
        bind(r.fd, list->ai_addr, list->ai_addrlen) == -1)
        seen = -1;
    while (seen != -1 && !(r.has_ended && is_over(&r.end))) {
        seen = look(&r, milliseconds);
        if (seen == 0)
            nap();
    }
    error = errno;
    freeaddrinfo(list);
    if (r.fd != -1)
        close(r.fd);
    errno = error;
    return seen == -1 ? -1 : (ssize_t)r.got;
}
