/* Lines written to a stream in memory, and a table of what may stand in IP. */

#include "encapsulation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum end { PAYLOAD, TRUNCATED, MALFORMED };

struct view {
    const uint8_t *at;
    size_t there;               /* bytes that were captured */
    size_t said;                /* bytes that the layer around has room for */
};

struct ip {
    int version, protocol;
    const uint8_t *addresses;
    bool more;
};

typedef enum end peeler(FILE *, const struct ip *, struct view *);

static uint16_t two(const uint8_t *p)
{
    uint16_t n;

    memcpy(&n, p, sizeof n);
    return ntohs(n);
}

static uint32_t four(const uint8_t *p)
{
    uint32_t n;

    memcpy(&n, p, sizeof n);
    return ntohl(n);
}

/* Add bytes to a folded sum. */
static uint16_t plus(uint16_t sum, const uint8_t *p, size_t len)
{
    while (len > 0) {
        uint32_t more = (uint32_t)sum + (uint32_t)(p[0] << 8 | (len > 1 ? p[1] : 0));

        sum = (uint16_t)(more + (more >> 16));
        p += len > 1 ? 2 : 1;
        len -= len > 1 ? 2 : 1;
    }
    return sum;
}

static void judge(FILE *out, const struct ip *ip, const struct view *v, size_t len)
{
    const uint8_t tail[4] = {0, (uint8_t)ip->protocol, (uint8_t)(len >> 8), (uint8_t)len};
    uint16_t sum = 0;

    if (ip->more || v->there < len)
        return;
    if (ip->protocol != 1) {
        sum = plus(sum, ip->addresses, ip->version == 4 ? 8 : 32);
        sum = plus(sum, tail, sizeof tail);
    }
    if (plus(sum, v->at, len) != UINT16_MAX)
        fputs("checksum bad\n", out);
}

static enum end is_there(const struct view *v, size_t header)
{
    return v->said < header ? MALFORMED : v->there < header ? TRUNCATED : PAYLOAD;
}

static enum end step(struct view *v, size_t header)
{
    enum end end = v->there < v->said ? TRUNCATED : PAYLOAD;

    v->at += header;
    v->there -= header;
    v->said -= header;
    return end;
}

static enum end tcp(FILE *out, const struct ip *ip, struct view *v)
{
    enum end end = is_there(v, 20);
    size_t header;

    if (end != PAYLOAD)
        return end;
    header = (size_t)(v->at[12] >> 4) * 4;
    end = header < 20 ? MALFORMED : is_there(v, header);
    if (end != PAYLOAD)
        return end;
    fprintf(out, "tcp %hu > %hu flags ", two(v->at), two(v->at + 2));
    for (const char *name = "FSRPAUEC", *p = name; *p != '\0'; p++)
        if (v->at[13] & 1 << (p - name))
            fputc(*p, out);
    if (v->at[13] == 0)
        fputc('-', out);
    fprintf(out, " seq %lu ack %lu\n", (unsigned long)four(v->at + 4), (unsigned long)four(v->at + 8));
    judge(out, ip, v, v->said);
    return step(v, header);
}

static enum end udp(FILE *out, const struct ip *ip, struct view *v)
{
    enum end end = is_there(v, 8);
    size_t len;

    if (end != PAYLOAD)
        return end;
    len = two(v->at + 4);
    if (len < 8 || (len > v->said && !ip->more))
        return MALFORMED;
    fprintf(out, "udp %hu > %hu\n", two(v->at), two(v->at + 2));
    if (ip->version == 6 || two(v->at + 6) != 0)
        judge(out, ip, v, len);
    end = step(v, 8);
    if (len - 8 < v->said)
        v->said = len - 8;
    return end;
}

static enum end icmp(FILE *out, const struct ip *ip, struct view *v)
{
    enum end end = is_there(v, 8);

    if (end != PAYLOAD)
        return end;
    fprintf(out, "icmp type %hhu code %hhu\n", v->at[0], v->at[1]);
    judge(out, ip, v, v->said);
    return step(v, 8);
}

static enum end anything(FILE *out, const struct ip *ip, struct view *v)
{
    (void)out, (void)ip;
    return step(v, 0);
}

static const struct {
    int version, protocol;
    peeler *peel;
} known[] = {{4, 1, icmp}, {4, 6, tcp}, {4, 17, udp}, {6, 6, tcp}, {6, 17, udp}, {6, 58, icmp}};

static enum end inside(FILE *out, const struct ip *ip, struct view *v, size_t header, size_t total)
{
    v->at += header;
    v->said = total - header;
    v->there -= header;
    if (v->there > v->said)
        v->there = v->said;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].version == ip->version && known[i].protocol == ip->protocol)
            return known[i].peel(out, ip, v);
    return anything(out, ip, v);
}

static enum end ipv4(FILE *out, struct view *v)
{
    struct ip ip = {.version = 4, .addresses = v->at + 12};
    struct in_addr address[2];
    size_t header, total;

    if (v->there < 20)
        return TRUNCATED;
    header = (v->at[0] & 15U) * 4;
    total = two(v->at + 2);
    if (v->at[0] >> 4 != 4 || header < 20 || header > total)
        return MALFORMED;
    if (v->there < header)
        return TRUNCATED;
    memcpy(address, ip.addresses, sizeof address);
    fprintf(out, "ipv4 %s > ", inet_ntoa(address[0]));
    fprintf(out, "%s ttl %d\n", inet_ntoa(address[1]), v->at[8]);
    if (plus(0, v->at, header) != UINT16_MAX)
        fputs("checksum bad\n", out);
    ip.more = v->at[6] >> 5 & 1;
    ip.protocol = (two(v->at + 6) & 0x1fff) != 0 ? -1 : v->at[9];
    return inside(out, &ip, v, header, total);
}

static enum end ipv6(FILE *out, struct view *v)
{
    struct ip ip = {.version = 6, .addresses = v->at + 8};
    char source[64], to[64];

    if (v->there < 40)
        return TRUNCATED;
    if (v->at[0] >> 4 != 6)
        return MALFORMED;
    fprintf(out, "ipv6 %s > %s hop %d\n", inet_ntop(AF_INET6, v->at + 8, source, sizeof source),
            inet_ntop(AF_INET6, v->at + 24, to, sizeof to), v->at[7]);
    ip.protocol = v->at[6];
    return inside(out, &ip, v, 40, 40U + two(v->at + 4));
}

static enum end ethernet(FILE *out, struct view *v)
{
    const uint8_t *mac = v->at;

    if (v->there < 14)
        return TRUNCATED;
    for (int half = 1; half >= 0; half--)
        for (int i = 0; i < 6; i++)
            fprintf(out, "%s%02x", i > 0 ? ":" : half ? "ethernet " : " > ", mac[half * 6 + i]);
    fputc('\n', out);
    v->at += 14;
    v->there -= 14;
    v->said = v->there;
    if (two(mac + 12) == 0x0800)
        return ipv4(out, v);
    if (two(mac + 12) == 0x86dd)
        return ipv6(out, v);
    return PAYLOAD;
}

int peel(const unsigned char *frame, size_t len, char *text, size_t size)
{
    struct view v = {frame, len, len};
    size_t length = 0;
    char *lines = NULL;
    FILE *out;
    int fits;

    if ((frame == NULL && len > 0) || (text == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    out = open_memstream(&lines, &length);
    if (out == NULL)
        return -1;
    switch (ethernet(out, &v)) {
    case PAYLOAD:
        fprintf(out, "payload %zu\n", v.said);
        break;
    case TRUNCATED:
        fputs("truncated\n", out);
        break;
    case MALFORMED:
        fputs("malformed\n", out);
        break;
    }
    fclose(out);
    fits = length < size;
    if (fits)
        memcpy(text, lines, length + 1);
    free(lines);
    if (!fits) {
        errno = EMSGSIZE;
        return -1;
    }
    return (int)length;
}
