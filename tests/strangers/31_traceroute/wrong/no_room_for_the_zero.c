/*
 * expect: fail
 * gap: other
 * cause: A text that fits exactly is refused.
 * shows: The buffer has just room for the text and its zero.
 * says: returned -1 with EMSGSIZE
 */
/* SO_RCVTIMEO, a socket for each hop, and text that is made before it is
   copied. */

#include "traceroute.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <netinet/in.h>
#include <time.h>
#include <unistd.h>

static int64_t milliseconds_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* 2 unreachable, 1 the host, 0 a router on the way, -1 nothing of ours. */
static int meaning(const uint8_t *ip, size_t len, const uint8_t own[4], in_addr_t target)
{
    size_t head = (ip[0] & 0xfu) * 4;
    const uint8_t *icmp = ip + head, *quote = icmp + 8, *echo;
    int what;

    if (len < head + 8)
        return -1;
    len -= head + 8;
    if (icmp[0] == 0)
        return memcmp(ip + 12, &target, 4) == 0 && memcmp(icmp + 4, own, 4) == 0 ? 1 : -1;
    if (icmp[0] == 11 && icmp[1] == 0)
        what = 0;
    else if (icmp[0] == 3)
        what = 2;
    else
        return -1;
    if (len < 28 || len < (quote[0] & 0xfu) * 4 + 8)
        return -1;
    echo = quote + (quote[0] & 0xfu) * 4;
    return memcmp(quote + 16, &target, 4) == 0 && memcmp(echo + 4, own, 4) == 0 ? what : -1;
}

static int hop(int fd, const struct sockaddr_in *to, const uint8_t own[4], int limit,
               in_addr_t *router)
{
    uint8_t echo[8] = { 8, 0, 0, 0, own[0], own[1], own[2], own[3] };
    uint32_t sum = 0x0800u + (own[0] << 8 | own[1]) + (own[2] << 8 | own[3]);

    sum = ~(sum + (sum >> 16));
    echo[2] = (uint8_t)(sum >> 8);
    echo[3] = (uint8_t)sum;
    for (int tries = 3; tries > 0; tries--) {
        int64_t until;

        while (sendto(fd, echo, sizeof echo, 0, (const struct sockaddr *)to, sizeof *to) == -1)
            if (errno != EINTR)
                return -2;
        until = milliseconds_now() + limit;
        for (;;) {
            int64_t left = until - milliseconds_now();
            struct timeval most = { left / 1000, left % 1000 * 1000 };
            uint8_t packet[576 + 60];
            ssize_t n;
            int what;

            if (left <= 0)
                break;
            if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) == -1)
                return -2;
            n = recv(fd, packet, sizeof packet, 0);
            if (n == -1 && errno != EINTR && errno != EAGAIN)
                return -2;
            if (n >= 20 && (what = meaning(packet, (size_t)n, own, to->sin_addr.s_addr)) != -1) {
                memcpy(router, packet + 12, 4);
                return what;
            }
        }
    }
    return -1;
}

static int all_hops(const struct sockaddr_in *to, int max_hops, int limit, char *lines)
{
    uint8_t own[4];
    int count = 0, what = 0;

    if (getrandom(own, 2, 0) != 2)
        return -1;
    own[2] = 77;
    while (count < max_hops && what <= 0) {
        int fd = socket(PF_INET, SOCK_RAW, IPPROTO_ICMP), saved;
        struct in_addr router;

        if (fd == -1)
            return -1;
        own[3] = (uint8_t)++count;
        what = setsockopt(fd, IPPROTO_IP, IP_TTL, &count, sizeof count) == -1
                   ? -2 : hop(fd, to, own, limit, &router.s_addr);
        saved = errno;
        close(fd);
        errno = saved;
        if (what == -2)
            return -1;
        lines += sprintf(lines, "%d %s%s\n", count, what == -1 ? "*" : inet_ntoa(router),
                         what == 2 ? "!" : "");
    }
    return count;
}

int traceroute(const char *host, int max_hops, int milliseconds, char *text, size_t size)
{
    struct addrinfo wanted = { .ai_family = AF_INET, .ai_protocol = IPPROTO_ICMP,
                               .ai_socktype = SOCK_RAW }, *all, *one;
    char *lines;
    int count = -1, error;

    if (max_hops <= 0 || max_hops >= 256 || milliseconds < 0 || (text == NULL && size != 0)) {
        errno = EINVAL;
        return -1;
    }
    error = getaddrinfo(host, NULL, &wanted, &all);
    if (error == EAI_SYSTEM)
        return -1;
    if (error != 0) {
        errno = ENOENT;
        return -1;
    }
    lines = malloc(256 * 24);
    for (one = all; lines != NULL && one != NULL && count == -1; one = one->ai_next)
        count = all_hops((const struct sockaddr_in *)(const void *)one->ai_addr, max_hops,
                         milliseconds, lines);
    error = errno;
    freeaddrinfo(all);
    if (count != -1 && strlen(lines) + 1 >= size) {
        error = EMSGSIZE;
        count = -1;
    }
    if (count != -1)
        strcpy(text, lines);
    free(lines);
    errno = error;
    return count;
}
