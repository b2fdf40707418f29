/*
 * expect: fail
 * gap: other
 * cause: The receiver connects its socket to the first sender; when that one has finished and gone, an acknowledgement of a late repeat is refused, and the ECONNREFUSED ends a transfer that had completely arrived.
 * shows: when the sender sends the end twice and closes its socket before the second acknowledgement
 * says: one local address: what is sent to another address of this machine is not heard any more
 */
#define _GNU_SOURCE
#include "stop_and_wait.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef long long usec;

static usec clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int wait_until(int fd, usec when)
{
    int r;
    do {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        usec left = when - clock_us();
        struct timespec t = { 0, 0 };
        if (left > 0) {
            t.tv_sec = left / 1000000;
            t.tv_nsec = left % 1000000 * 1000;
        }
        r = ppoll(&p, 1, &t, NULL);
        if (r == -1 && errno != EINTR)
            return -1;
    } while (r < 1 && clock_us() < when);
    return r == 1;
}

static int open_udp(const char *host, const char *port, int (*use)(int, const struct addrinfo *, void *), void *arg)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM }, *list;
    int code, e = EADDRNOTAVAIL, go_on = 1;

    if (host == NULL)
        hints.ai_flags = AI_PASSIVE;
    code = getaddrinfo(host, port, &hints, &list);
    if (code != 0) {
        if (code != EAI_SYSTEM || errno == 0)
            errno = code == EAI_MEMORY ? ENOMEM : EADDRNOTAVAIL;
        return -1;
    }
    for (struct addrinfo *a = list; a != NULL && go_on; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd == -1) {
            e = errno;
            continue;
        }
        go_on = use(fd, a, arg);            /* 0 done, 1 next address, -1 failed */
        e = go_on == 0 ? 0 : errno;
        close(fd);
        if (go_on == -1)
            break;
    }
    freeaddrinfo(list);
    if (e != 0)
        errno = e;
    return e == 0 ? 0 : -1;
}

struct outgoing {
    const char *data;
    size_t len;
    int milliseconds;
};

static int send_to_one(int fd, const struct addrinfo *a, void *arg)
{
    struct outgoing *o = arg;
    size_t at = 0, part = 0;
    int failed = 1;
    unsigned char packet[514] = { 0, 0 };

    if (connect(fd, a->ai_addr, a->ai_addrlen) == -1)
        return 1;
    do {
        int tries = 0, acked = 0;
        part = o->len - at < 512 ? o->len - at : 512;
        if (part > 0)
            memcpy(packet + 2, o->data + at, part);
        for (; !acked && tries < 40; tries++) {
            usec end;
            while (send(fd, packet, part + 2, 0) == -1) {
                if (errno == ECONNREFUSED)
                    break;
                if (errno != EINTR)
                    return failed;
            }
            end = clock_us() + o->milliseconds * 1000LL;
            do {
                unsigned char in[3];
                int r = wait_until(fd, end);
                if (r == -1)
                    return failed;
                if (r == 0)
                    break;
                ssize_t n = recv(fd, in, sizeof in, MSG_DONTWAIT);
                if (n == -1 && errno != ECONNREFUSED && errno != EAGAIN && errno != EINTR)
                    return failed;
                acked = n == 2 && in[0] == 1 && in[1] == packet[1];
            } while (!acked && clock_us() < end);
        }
        if (!acked) {
            errno = ETIMEDOUT;
            return failed;
        }
        failed = -1;
        packet[1] ^= 1;
        at += part;
    } while (part > 0);
    return 0;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    struct outgoing o = { data, len, milliseconds };
    if (host == NULL || port == NULL || (data == NULL && len != 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    return open_udp(host, port, send_to_one, &o);
}

struct incoming {
    char *data;
    size_t size, got;
    int milliseconds;
};

static int same_address(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
    return a->sin_port == b->sin_port && a->sin_addr.s_addr == b->sin_addr.s_addr;
}

static int receive_here(int fd, const struct addrinfo *a, void *arg)
{
    struct incoming *in = arg;
    struct sockaddr_in peer = { 0 }, from;
    unsigned char packet[515], expected = 0, last = 0;
    int known = 0, ended = 0;
    usec end = 0;

    if (bind(fd, a->ai_addr, a->ai_addrlen) == -1)
        return 1;
    for (;;) {
        socklen_t len = sizeof from;
        if (ended) {
            int r = wait_until(fd, end);
            if (r <= 0)
                return r;
        }
        ssize_t n = recvfrom(fd, packet, sizeof packet, ended ? MSG_DONTWAIT : 0, (struct sockaddr *)&from, &len);
        if (n == -1) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            return -1;
        }
        int valid = n >= 2 && n <= 514 && packet[0] == 0 && packet[1] <= 1;
        if (valid && known)
            valid = same_address(&from, &peer);
        else if (valid)
            valid = packet[1] == 0;
        if (valid && ended)
            valid = n == 2 && packet[1] == last;
        if (!valid) {
            if (ended && clock_us() >= end)
                return 0;
            continue;
        }
        if (!ended && packet[1] == expected) {
            size_t part = (size_t)n - 2;
            if (part > in->size - in->got) {
                errno = EMSGSIZE;
                return -1;
            }
            if (part > 0)
                memcpy(in->data + in->got, packet + 2, part);
            in->got += part;
            expected ^= 1;
            if (!known) {
                /* from now on the kernel keeps everyone else out */
                if (connect(fd, (struct sockaddr *)&from, sizeof from) == -1)
                    return -1;
                peer = from;
                known = 1;
            }
            if (part == 0) {
                ended = 1;
                last = packet[1];
            }
        }
        unsigned char ack[2] = { 1, packet[1] };
        while (send(fd, ack, sizeof ack, 0) == -1)
            if (errno != EINTR)
                return -1;
        if (ended)
            end = clock_us() + in->milliseconds * 1000LL;
    }
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct incoming in = { data, size, 0, milliseconds };
    if (port == NULL || (data == NULL && size != 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    return open_udp(NULL, port, receive_here, &in) == -1 ? -1 : (ssize_t)in.got;
}
