/*
 * expect: fail
 * gap: fixed-header
 * cause: The header of the answer may have options, the quoted one not.
 * shows: The echo that is quoted has options.
 */
/* One socket to send whole packets (IPPROTO_RAW), another to hear answers, and
   recvmsg() into what is expected. */

#define _GNU_SOURCE
#include "traceroute.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct probe {
    struct iphdr ip;
    struct icmphdr icmp;
};

struct sockets {
    int out, in;
};

static struct timespec later(int milliseconds)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += milliseconds / 1000;
    t.tv_nsec += milliseconds % 1000 * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

/* What is left until a moment; returns 0 if it is over. */
static int left_until(const struct timespec *end, struct timespec *left)
{
    struct timespec t = later(0);

    left->tv_sec = end->tv_sec - t.tv_sec;
    left->tv_nsec = end->tv_nsec - t.tv_nsec;
    if (left->tv_nsec < 0) {
        left->tv_sec--;
        left->tv_nsec += 1000000000L;
    }
    return left->tv_sec > 0 || (left->tv_sec == 0 && left->tv_nsec > 0);
}

static void make(struct probe *p, in_addr_t to, int ttl)
{
    uint32_t sum;

    memset(p, 0, sizeof *p);
    p->ip.version = 4;
    p->ip.ihl = 5;
    p->ip.ttl = (uint8_t)ttl;
    p->ip.protocol = IPPROTO_ICMP;
    p->ip.daddr = to;
    p->icmp.type = ICMP_ECHO;
    p->icmp.un.echo.id = (uint16_t)(getpid() ^ 0x1313);
    p->icmp.un.echo.sequence = (uint16_t)ttl;
    sum = ntohs(p->icmp.un.echo.id) + (uint32_t)ntohs(p->icmp.un.echo.sequence) + 0x800;
    while (sum > 0xffff)
        sum -= 0xffff;
    p->icmp.checksum = (uint16_t)~htons((uint16_t)sum);
}

/* Where an IP packet's content begins, 0 if it has less than 8 bytes. */
static size_t inside(const unsigned char *packet, size_t len)
{
    size_t begin = len > 0 ? (packet[0] % 16u) * 4 : 0;

    return len >= 20 && begin + 8 <= len ? begin : 0;
}

static int classify(const struct probe *p, const unsigned char *packet, size_t len)
{
    size_t at = inside(packet, len), quote;
    int type;

    if (at == 0)
        return -1;
    type = packet[at];
    if (type == ICMP_ECHOREPLY) {
        if (memcmp(packet + 12, &p->ip.daddr, 4) != 0)
            return -1;
    } else if ((type == ICMP_TIME_EXCEEDED && packet[at + 1] == 0) || type == ICMP_DEST_UNREACH) {
        quote = at + 8;
        at = len - quote >= 28 ? 20 : 0;
        if (at == 0 || memcmp(packet + quote + 16, &p->ip.daddr, 4) != 0)
            return -1;
        at += quote;
    } else {
        return -1;
    }
    return memcmp(packet + at + 4, &p->icmp.un, 4) == 0 ? type : -1;
}

/* The type of the answer; -1 for none, -2 for an error. */
static int exchange(struct sockets s, const struct probe *p, int milliseconds, in_addr_t *from)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = p->ip.daddr };
    struct timespec end, left;

    while (sendto(s.out, p, sizeof *p, 0, (struct sockaddr *)&to, sizeof to) < 0)
        if (errno != EINTR)
            return -2;
    end = later(milliseconds);
    while (left_until(&end, &left)) {
        struct pollfd wait = { s.in, POLLIN, 0 };
        unsigned char packet[4096];
        struct sockaddr_in source;
        struct iovec iov = { packet, sizeof packet };
        struct msghdr message = { .msg_name = &source, .msg_namelen = sizeof source,
                                  .msg_iov = &iov, .msg_iovlen = 1 };
        ssize_t n;
        int type;

        if (ppoll(&wait, 1, &left, NULL) <= 0) {
            if (wait.revents == 0)
                continue;
            return -2;
        }
        n = recvmsg(s.in, &message, 0);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR)
                continue;
            return -2;
        }
        type = classify(p, packet, (size_t)n);
        if (type >= 0) {
            *from = source.sin_addr.s_addr;
            return type;
        }
    }
    return -1;
}

static int go(struct sockets s, in_addr_t to, int max_hops, int milliseconds, char *text, size_t size)
{
    for (int ttl = 1;; ttl++) {
        struct probe p;
        char name[16] = "*";
        in_addr_t from;
        int type = -1, n;

        make(&p, to, ttl);
        for (int tries = 0; type == -1 && tries < 3; tries++)
            type = exchange(s, &p, milliseconds, &from);
        if (type == -2)
            return -1;
        if (type != -1)
            inet_ntop(AF_INET, &from, name, sizeof name);
        n = snprintf(text, size, "%d %s%s\n", ttl, name, type == ICMP_DEST_UNREACH ? "!" : "");
        if (n < 0 || (size_t)n >= size) {
            errno = EMSGSIZE;
            return -1;
        }
        text += n;
        size -= (size_t)n;
        if (ttl == max_hops || (type != -1 && type != ICMP_TIME_EXCEEDED))
            return ttl;
    }
}

static void quietly_close(int fd)
{
    int saved = errno;

    if (fd >= 0)
        close(fd);
    errno = saved;
}

int traceroute(const char *host, int max_hops, int milliseconds, char *text, size_t size)
{
    struct addrinfo *found, *next, hints;
    struct sockets s = { -1, -1 };
    int lines = -1, code;

    if (max_hops > 255 || max_hops < 1 || milliseconds < 0 || (size > 0 && !text)) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = PF_INET;
    hints.ai_socktype = SOCK_RAW;
    if ((code = getaddrinfo(host, NULL, &hints, &found)) != 0) {
        errno = code == EAI_SYSTEM ? errno : EADDRNOTAVAIL;
        return -1;
    }
    s.out = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (s.out >= 0)
        s.in = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, IPPROTO_ICMP);
    if (s.in >= 0)
        for (next = found; next && lines < 0; next = next->ai_next)
            lines = go(s, ((struct sockaddr_in *)(void *)next->ai_addr)->sin_addr.s_addr,
                       max_hops, milliseconds, text, size);
    quietly_close(s.in);
    quietly_close(s.out);
    code = errno;
    freeaddrinfo(found);
    errno = code;
    return lines;
}
