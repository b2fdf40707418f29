/*
 * expect: fail
 * gap: other
 * cause: When a signal interrupts poll it is called again with the same time-out instead of what is left, so with a periodic signal the wait never ends and nothing is repeated.
 * shows: when a handler (without or with SA_RESTART: poll is never restarted) runs more often than the time-out
 * says: a signal has started the wait again
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

/* poll that does not mind signals */
static int safe_poll(struct pollfd *p, int timeout)
{
    int r;
    do {
        r = poll(p, 1, timeout);
    } while (r == -1 && errno == EINTR);
    return r;
}

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000L + (t.tv_nsec + 999999L) / 1000000L;
}

struct message {
    unsigned char bytes[516];
    ssize_t length;
    struct sockaddr_in from;
};

/* 1 message, 0 none until the deadline, -1 error of receiving */
static int get(int fd, struct message *m, long deadline)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    socklen_t len = sizeof m->from;
    long left = deadline - now_ms();
    int r;

    m->length = -1;
    if (left < 0)
        left = 0;
    r = safe_poll(&p, (int)left);
    if (r <= 0)
        return r;
    do
        m->length = recvfrom(fd, m->bytes, sizeof m->bytes, MSG_DONTWAIT, (struct sockaddr *)&m->from, &len);
    while (m->length == -1 && errno == EINTR);
    if (m->length == -1 && errno != EAGAIN && errno != ECONNREFUSED)
        return -1;
    return 1;
}

static int find_addresses(const char *host, const char *port, int flags, struct addrinfo **list)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_flags = flags };
    int code = getaddrinfo(host, port, &hints, list);

    if (code == 0)
        return 0;
    if (code == EAI_MEMORY)
        errno = ENOMEM;
    else if (code != EAI_SYSTEM)
        errno = ENXIO;
    return -1;
}

static int reliable_send(int fd, const unsigned char *packet, size_t length, int milliseconds)
{
    int i;
    for (i = 0; i < 40; ++i) {
        struct message m;
        long deadline;
        ssize_t n;

        do
            n = send(fd, packet, length, 0);
        while (n == -1 && errno == EINTR);
        if (n == -1 && errno != ECONNREFUSED)
            return -1;
        deadline = now_ms() + milliseconds;
        do {
            int r = get(fd, &m, deadline);
            if (r == -1)
                return -1;
            if (r == 1 && m.length == 2 && m.bytes[0] == 1 && m.bytes[1] == packet[1])
                return 0;
        } while (now_ms() < deadline);
    }
    errno = ETIMEDOUT;
    return -1;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    struct addrinfo *list, *it;
    int error = 0, acknowledged = 0, finished = 0;

    if (host == NULL || port == NULL || (data == NULL && len > 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (find_addresses(host, port, 0, &list) == -1)
        return -1;
    for (it = list; it != NULL && acknowledged == 0; it = it->ai_next) {
        size_t offset;
        int fd = socket(it->ai_family, it->ai_socktype, it->ai_protocol);

        if (fd == -1 || connect(fd, it->ai_addr, it->ai_addrlen) == -1) {
            error = errno;
            if (fd != -1)
                close(fd);
            continue;
        }
        for (offset = 0; !finished; offset += 512) {
            unsigned char packet[514] = { 0, (unsigned char)(offset / 512 % 2) };
            size_t part = offset >= len ? 0 : len - offset < 512 ? len - offset : 512;
            if (part > 0)
                memcpy(packet + 2, (const unsigned char *)data + offset, part);
            if (reliable_send(fd, packet, part + 2, milliseconds) == -1) {
                error = errno;
                break;
            }
            acknowledged = 1;
            finished = part == 0;
        }
        close(fd);
    }
    freeaddrinfo(list);
    if (finished)
        return 0;
    errno = error;
    return -1;
}

static void say(int fd, unsigned char bit, const struct sockaddr_in *peer)
{
    unsigned char ack[2] = { 1, bit };
    while (sendto(fd, ack, sizeof ack, 0, (const struct sockaddr *)peer, sizeof *peer) == -1 && errno == EINTR)
        continue;
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo *list, *it;
    struct sockaddr_in peer = { 0 };
    struct message m;
    int fd = -1, error = 0, known = 0, wanted = 0, end = -1;
    long deadline = 0;
    size_t total = 0;

    if (port == NULL || (data == NULL && size > 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (find_addresses(NULL, port, AI_PASSIVE, &list) == -1)
        return -1;
    for (it = list; it != NULL && fd == -1; it = it->ai_next) {
        fd = socket(it->ai_family, it->ai_socktype, it->ai_protocol);
        if (fd == -1)
            error = errno;
        else if (bind(fd, it->ai_addr, it->ai_addrlen) == -1) {
            error = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd == -1) {
        errno = error;
        return -1;
    }
    while (end == -1 || now_ms() < deadline) {
        int r = get(fd, &m, end == -1 ? now_ms() + 60000 : deadline), bit;

        if (r == -1 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)) {
            error = errno;
            close(fd);
            errno = error;
            return -1;
        }
        if (r != 1 || m.length < 2 || m.length > 514 || m.bytes[0] != 0 || m.bytes[1] > 1)
            continue;
        bit = m.bytes[1];
        if (known ? m.from.sin_port != peer.sin_port || m.from.sin_addr.s_addr != peer.sin_addr.s_addr : bit == 1)
            continue;
        if (end != -1) {
            if (m.length == 2 && bit == end) {
                say(fd, m.bytes[1], &peer);
                deadline = now_ms() + milliseconds;
            }
            continue;
        }
        if (bit == wanted) {
            size_t part = (size_t)m.length - 2;
            if (part > size - total) {
                close(fd);
                errno = EMSGSIZE;
                return -1;
            }
            if (part > 0)
                memcpy(data + total, m.bytes + 2, part);
            total += part;
            wanted = 1 - wanted;
            peer = m.from;
            known = 1;
            if (part == 0)
                end = bit;
        }
        say(fd, m.bytes[1], &peer);
        if (end != -1)
            deadline = now_ms() + milliseconds;
    }
    close(fd);
    return (ssize_t)total;
}
