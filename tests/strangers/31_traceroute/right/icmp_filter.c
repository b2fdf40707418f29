/*
 * expect: pass
 * gap: none
 * cause: The kernel lets only three types through (ICMP_FILTER); epoll waits, and addresses come from recvmsg().
 * shows: never
 */
#define _GNU_SOURCE
#include "traceroute.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/icmp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FAILED (-1)
#define SILENT (-2)

struct state {
    int sock, queue;
    struct sockaddr_in target;
    uint32_t number;            /* id and sequence number, as they are sent */
};

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_BOOTTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool launch(const struct state *s)
{
    unsigned char message[40] = { ICMP_ECHO };
    unsigned sum = 0;
    struct iovec part = { message, sizeof message };
    struct msghdr header = { .msg_name = (void *)&s->target, .msg_namelen = sizeof s->target,
                             .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t n;

    memcpy(message + 4, &s->number, 4);
    memset(message + 8, 0xa5, 32);
    for (size_t i = 0; i < sizeof message; i += 2)
        sum += message[i] * 256u + message[i + 1];
    sum = 65535 - sum % 65535;
    message[2] = (unsigned char)(sum / 256);
    message[3] = (unsigned char)(sum % 256);
    do {
        n = sendmsg(s->sock, &header, 0);
    } while (n < 0 && errno == EINTR);
    return n >= 0;
}

static int look(const struct state *s, struct in_addr *who)
{
    unsigned char packet[60 + 8 + 60 + 64];
    struct sockaddr_in from;
    struct iovec part = { packet, sizeof packet };
    struct msghdr header = { .msg_name = &from, .msg_namelen = sizeof from,
                             .msg_iov = &part, .msg_iovlen = 1 };
    ssize_t n = recvmsg(s->sock, &header, MSG_DONTWAIT);
    size_t len, at;
    int type;

    if (n < 0)
        return errno == EINTR || errno == EAGAIN ? SILENT : FAILED;
    len = (size_t)n;
    at = (packet[0] & 0x0fu) << 2;
    if (len < at + 8)
        return SILENT;
    type = packet[at];
    if (type == ICMP_ECHOREPLY) {
        if (from.sin_addr.s_addr != s->target.sin_addr.s_addr)
            return SILENT;
    } else {
        size_t quote = at + 8;

        if (type == ICMP_TIME_EXCEEDED && packet[at + 1] != ICMP_EXC_TTL)
            return SILENT;
        if (len < quote + 20 || memcmp(&packet[quote + 16], &s->target.sin_addr, 4) != 0)
            return SILENT;
        at = quote + ((packet[quote] & 0x0fu) << 2);
        if (len < at + 8)
            return SILENT;
    }
    if (memcmp(packet + at + 4, &s->number, 4) != 0)
        return SILENT;
    *who = from.sin_addr;
    return type;
}

static int attempt(const struct state *s, int milliseconds, struct in_addr *who)
{
    double end = seconds() + milliseconds / 1e3;

    if (!launch(s))
        return FAILED;
    for (;;) {
        double left = end - seconds();
        struct epoll_event event;
        int ready, found;

        if (left <= 0)
            return SILENT;
        ready = epoll_wait(s->queue, &event, 1, (int)(left * 1e3) + 1);
        if (ready < 0 && errno != EINTR)
            return FAILED;
        if (ready > 0 && (found = look(s, who)) != SILENT)
            return found;
    }
}

static int follow(struct state *s, int max_hops, int milliseconds, char *text, size_t size)
{
    int hop = 0, found = SILENT;

    while (hop < max_hops && found != ICMP_ECHOREPLY && found != ICMP_DEST_UNREACH) {
        struct in_addr who = { 0 };
        char line[40];
        size_t len;
        unsigned char ttl = (unsigned char)++hop;

        if (setsockopt(s->sock, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl) < 0)
            return -1;
        s->number = htonl(0x0d130000u + (unsigned)hop);
        found = SILENT;
        for (int i = 0; i < 3 && found == SILENT; i++)
            found = attempt(s, milliseconds, &who);
        if (found == FAILED)
            return -1;
        len = (size_t)sprintf(line, "%d %s%s\n", hop, found == SILENT ? "*" : inet_ntoa(who),
                              found == ICMP_DEST_UNREACH ? "!" : "");
        if (len >= size) {
            errno = EMSGSIZE;
            return -1;
        }
        memcpy(text, line, len + 1);
        text += len;
        size -= len;
    }
    return hop;
}

int traceroute(const char *host, int max_hops, int milliseconds, char *text, size_t size)
{
    struct icmp_filter filter = { ~(1u << ICMP_ECHOREPLY | 1u << ICMP_DEST_UNREACH | 1u << ICMP_TIME_EXCEEDED) };
    struct epoll_event event = { .events = EPOLLIN };
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *list, *each;
    struct state s = { .queue = -1 };
    int result = -1, saved;

    if (max_hops < 1 || max_hops > 255 || milliseconds < 0 || (!text && size)) {
        errno = EINVAL;
        return -1;
    }
    if (size == 0) {
        errno = EMSGSIZE;
        return -1;
    }
    saved = getaddrinfo(host, NULL, &hints, &list);
    if (saved != 0) {
        if (saved != EAI_SYSTEM)
            errno = ENODATA;
        return -1;
    }
    s.sock = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    if (s.sock < 0 || setsockopt(s.sock, SOL_RAW, ICMP_FILTER, &filter, sizeof filter) < 0)
        goto out;
    s.queue = epoll_create1(EPOLL_CLOEXEC);
    if (s.queue < 0 || epoll_ctl(s.queue, EPOLL_CTL_ADD, s.sock, &event) < 0)
        goto out;
    for (each = list; each && result < 0; each = each->ai_next) {
        memcpy(&s.target, each->ai_addr, sizeof s.target);
        result = follow(&s, max_hops, milliseconds, text, size);
    }
out:
    saved = errno;
    if (s.queue >= 0)
        close(s.queue);
    if (s.sock >= 0)
        close(s.sock);
    freeaddrinfo(list);
    errno = saved;
    return result;
}
