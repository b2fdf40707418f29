/*
 * expect: fail
 * gap: other
 * cause: The socket stays open where the name is not known, or the text does not fit.
 * shows: The text does not fit.
 * says: is never closed
 */
/* Which routers lead to a host: echoes that may go one hop, then two, and so
   on. */

#include "traceroute.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 3, NOTHING = 256 };      /* which is the type of no message */

/* An ICMP echo as it is sent. */
struct echo {
    struct icmphdr header;
    char payload[14];
};

/* An IPv4 packet, or as much of it as somebody quotes. */
struct packet {
    struct iphdr header;
    const unsigned char *content;
    size_t len;                 /* of the content */
};

/* Milliseconds on a clock that nobody sets. */
static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* The Internet checksum (RFC 1071) of an even number of bytes. */
static uint16_t checksum(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint32_t sum = 0;

    for (; len > 0; p += 2, len -= 2)
        sum += (uint32_t)p[0] << 8 | p[1];
    while (sum >> 16)
        sum = (sum >> 16) + (sum & 0xffff);
    return htons((uint16_t)~sum);
}

/* Read the header of an IPv4 packet.  Returns 0, or -1 if the content has less
   than the header of an ICMP message. */
static int open_packet(struct packet *p, const unsigned char *data, size_t len)
{
    size_t before;

    if (len < sizeof p->header)
        return -1;
    memcpy(&p->header, data, sizeof p->header);
    before = p->header.ihl * 4U;
    if (len < before + ICMP_MINLEN)
        return -1;
    p->content = data + before;
    p->len = len - before;
    return 0;
}

/* What len bytes that have come say of an echo: the type of the message, and
   who says it; NOTHING if they are about something else. */
static int answer_to(const struct echo *sent, in_addr_t target,
                     const unsigned char *data, size_t len, in_addr_t *router)
{
    struct packet packet, quoted;
    struct icmphdr said;
    in_addr_t asked;
    int type;

    if (open_packet(&packet, data, len) == -1)
        return NOTHING;
    *router = asked = packet.header.saddr;
    memcpy(&said, packet.content, sizeof said);
    type = said.type;
    if (type == ICMP_DEST_UNREACH ||
        (type == ICMP_TIME_EXCEEDED && said.code == ICMP_EXC_TTL)) {
        /* Whoever throws a packet away quotes its beginning. */
        if (open_packet(&quoted, packet.content + ICMP_MINLEN,
                        packet.len - ICMP_MINLEN) == -1)
            return NOTHING;
        asked = quoted.header.daddr;
        memcpy(&said, quoted.content, sizeof said);
    } else if (type != ICMP_ECHOREPLY) {
        return NOTHING;
    }
    if (asked != target || said.un.echo.id != sent->header.un.echo.id ||
        said.un.echo.sequence != sent->header.un.echo.sequence)
        return NOTHING;
    return type;
}

/* Wait for an answer to an echo.  Returns its type, NOTHING if none has come in
   time, or -1. */
static int answer_within(int milliseconds, int fd, const struct echo *sent,
                         in_addr_t target, in_addr_t *router)
{
    unsigned char data[2048];
    struct pollfd waiter = { .fd = fd, .events = POLLIN };
    long long deadline = now() + milliseconds;

    for (;;) {
        long long left = deadline - now();
        int ready = left > 0 ? poll(&waiter, 1, (int)left) : 0;
        int type = NOTHING;
        ssize_t n = -1;

        if (ready == 0)
            return NOTHING;
        if (ready == 1)
            n = recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (n == -1 && errno != EINTR && errno != EAGAIN)
            return -1;
        if (n != -1)
            type = answer_to(sent, target, data, (size_t)n, router);
        if (type != NOTHING)
            return type;
    }
}

static int send_echo(int fd, const struct echo *echo, const struct sockaddr_in *target)
{
    const struct sockaddr *to = (const struct sockaddr *)target;
    ssize_t n;

    do
        n = sendto(fd, echo, sizeof *echo, 0, to, sizeof *target);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -1 : 0;
}

/* Send an echo up to three times.  Returns what answer_within() does. */
static int ask(int fd, const struct echo *echo, const struct sockaddr_in *target,
               int milliseconds, in_addr_t *router)
{
    int type = NOTHING, tries;

    for (tries = 0; tries < TRIES && type == NOTHING; tries++) {
        if (send_echo(fd, echo, target) == -1)
            return -1;
        type = answer_within(milliseconds, fd, echo, target->sin_addr.s_addr, router);
    }
    return type;
}

/* Write the line of a hop.  Returns its length, or -1 if there is no room. */
static int write_line(char *text, size_t room, int hop, int type, in_addr_t router)
{
    char name[INET_ADDRSTRLEN] = "*";
    int n;

    if (type != NOTHING)
        inet_ntop(AF_INET, &router, name, sizeof name);
    n = snprintf(text, room, "%d %s%s\n", hop, name,
                 type == ICMP_DEST_UNREACH ? "!" : "");
    if ((size_t)n >= room) {
        errno = EMSGSIZE;
        return -1;
    }
    return n;
}

/* Ask one hop after the other, until one of them is the last.  Returns their
   number, or -1. */
static int trace(int fd, const struct sockaddr_in *target, int max_hops,
                 int milliseconds, char *text, size_t size)
{
    struct echo echo = { { .type = ICMP_ECHO }, "thirteen bytes" };
    int hop = 0, type = NOTHING;

    if (getrandom(&echo.header.un.echo.id, 2, 0) != 2)
        return -1;
    while (hop < max_hops && type != ICMP_ECHOREPLY && type != ICMP_DEST_UNREACH) {
        in_addr_t router = INADDR_ANY;
        int n;

        hop++;
        if (setsockopt(fd, IPPROTO_IP, IP_TTL, &hop, sizeof hop) == -1)
            return -1;
        echo.header.un.echo.sequence = htons((uint16_t)hop);
        echo.header.checksum = 0;
        echo.header.checksum = checksum(&echo, sizeof echo);
        type = ask(fd, &echo, target, milliseconds, &router);
        if (type == -1)
            return -1;
        n = write_line(text, size, hop, type, router);
        if (n == -1)
            return -1;
        text += n;
        size -= (size_t)n;
    }
    return hop;
}

int traceroute(const char *host, int max_hops, int milliseconds, char *text,
               size_t size)
{
    struct addrinfo hints, *addresses, *a;
    int hops = -1, error, fd;

    if (max_hops < 1 || max_hops > MAXTTL || milliseconds < 0 ||
        (text == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_RAW;
    hints.ai_protocol = IPPROTO_ICMP;
    error = getaddrinfo(host, NULL, &hints, &addresses);
    if (error != 0) {
        if (error != EAI_SYSTEM)
            errno = ENXIO;
        return -1;
    }
    fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    for (a = addresses; fd != -1 && a != NULL && hops == -1; a = a->ai_next) {
        const void *target = a->ai_addr;

        hops = trace(fd, target, max_hops, milliseconds, text, size);
    }
    error = errno;
    if (fd != -1 && hops != -1)
        close(fd);
    freeaddrinfo(addresses);
    errno = error;
    return hops;
}
