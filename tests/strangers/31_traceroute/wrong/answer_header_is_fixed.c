/*
 * expect: fail
 * gap: fixed-header
 * cause: The quoted header may have options, that of the answer not.
 * shows: A router's answer has options.
 */
/* select(), BSD's structures, the process id for the id, and a sequence number
   that goes up with every try. */

#include "traceroute.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct tracer {
    int fd;
    struct sockaddr_in to;
    uint16_t id, first, next;   /* this hop's tries have numbers from first on */
    long limit;                 /* microseconds */
};

static long long microseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static uint16_t sum_of(const uint16_t *words, size_t count)
{
    uint32_t sum = 0;

    while (count-- > 0)
        sum += *words++;
    sum = (sum >> 16) + (sum & 0xffff);
    sum += sum >> 16;
    return (uint16_t)~sum;
}

static int send_probe(struct tracer *t)
{
    union {
        struct icmp message;
        uint16_t words[4];
    } probe;
    ssize_t sent;

    memset(&probe, 0, sizeof probe);
    probe.message.icmp_type = ICMP_ECHO;
    probe.message.icmp_id = htons(t->id);
    probe.message.icmp_seq = htons(t->next++);
    probe.message.icmp_cksum = sum_of(probe.words, 4);
    do
        sent = sendto(t->fd, &probe, 8, 0, (struct sockaddr *)&t->to, sizeof t->to);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -1 : 0;
}

static bool is_ours(const struct tracer *t, const unsigned char *icmp)
{
    uint16_t id, sequence;

    memcpy(&id, icmp + 4, sizeof id);
    memcpy(&sequence, icmp + 6, sizeof sequence);
    sequence = ntohs(sequence);
    return ntohs(id) == t->id && (uint16_t)(sequence - t->first) < (uint16_t)(t->next - t->first);
}

/* The type of an answer, or -1. */
static int judge(const struct tracer *t, const unsigned char *p, ssize_t len,
                 struct in_addr from)
{
    const unsigned char *end = p + len, *icmp = p + 20;
    int type;

    if (end - icmp < 8)
        return -1;
    type = icmp[0];
    switch (type) {
    case ICMP_ECHOREPLY:
        return from.s_addr == t->to.sin_addr.s_addr && is_ours(t, icmp) ? type : -1;
    case ICMP_TIMXCEED:
        if (icmp[1] != 0)
            return -1;
        break;
    case ICMP_UNREACH:
        break;
    default:
        return -1;
    }
    p = icmp + 8;
    if (end - p < 20 || memcmp(p + 16, &t->to.sin_addr, 4) != 0)
        return -1;
    icmp = p + (p[0] & 15) * 4;
    return end - icmp >= 8 && is_ours(t, icmp) ? type : -1;
}

/* 1 with an answer, 0 without one, -1 for an error. */
static int wait_for_answer(const struct tracer *t, int *type, struct in_addr *router)
{
    long long until = microseconds() + t->limit, left;

    while ((left = until - microseconds()) > 0) {
        struct timeval limit = { .tv_sec = left / 1000000, .tv_usec = left % 1000000 };
        unsigned char packet[1500];
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        fd_set readable;
        ssize_t n;

        FD_ZERO(&readable);
        FD_SET(t->fd, &readable);
        switch (select(t->fd + 1, &readable, NULL, NULL, &limit)) {
        case 0:
            return 0;
        case -1:
            if (errno == EINTR)
                continue;
            return -1;
        }
        n = recvfrom(t->fd, packet, sizeof packet, MSG_DONTWAIT,
                     (struct sockaddr *)&from, &size);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return -1;
        if (n > 0 && (*type = judge(t, packet, n, from.sin_addr)) != -1) {
            *router = from.sin_addr;
            return 1;
        }
    }
    return 0;
}

static int trace(struct tracer *t, int max_hops, char *text, size_t size)
{
    size_t used = 0;

    for (int hop = 1; hop <= max_hops; hop++) {
        int found = 0, type = -1, n;
        struct in_addr router = { 0 };
        char name[INET_ADDRSTRLEN];

        if (setsockopt(t->fd, SOL_IP, IP_TTL, &hop, sizeof hop) < 0)
            return -1;
        t->first = t->next;
        for (int tries = 0; tries < 3 && found == 0; tries++) {
            if (send_probe(t) < 0)
                return -1;
            found = wait_for_answer(t, &type, &router);
        }
        if (found < 0)
            return -1;
        if (found == 0)
            n = snprintf(text + used, size - used, "%d *\n", hop);
        else
            n = snprintf(text + used, size - used, "%d %s%s\n", hop,
                         inet_ntop(AF_INET, &router, name, sizeof name),
                         type == ICMP_UNREACH ? "!" : "");
        used += (size_t)n;
        if (used >= size) {
            errno = EMSGSIZE;
            return -1;
        }
        if (found && type != ICMP_TIMXCEED)
            return hop;
    }
    return max_hops;
}

int traceroute(const char *host, int max_hops, int milliseconds, char *text, size_t size)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM };
    struct addrinfo *list;
    int result = -1, saved, code;

    if (max_hops < 1 || max_hops > 255 || milliseconds < 0 || (!text && size)) {
        errno = EINVAL;
        return -1;
    }
    code = getaddrinfo(host, NULL, &hints, &list);
    if (code) {
        if (code != EAI_SYSTEM)
            errno = EHOSTUNREACH;
        return -1;
    }
    saved = 0;
    for (struct addrinfo *a = list; a && result < 0; a = a->ai_next) {
        struct tracer t = { .id = (uint16_t)getpid(), .limit = milliseconds * 1000L };

        memcpy(&t.to, a->ai_addr, sizeof t.to);
        t.fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
        if (t.fd >= 0) {
            result = trace(&t, max_hops, text, size);
            saved = errno;
            close(t.fd);
        } else {
            saved = errno;
        }
        if (result < 0 && saved == EMSGSIZE)
            break;
    }
    freeaddrinfo(list);
    errno = saved;
    return result;
}
