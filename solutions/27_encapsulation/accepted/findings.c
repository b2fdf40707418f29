/* What is known of a frame, found out first and written afterwards. */

#include "encapsulation.h"

#include <errno.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Headers as they are, byte by byte: none of these structures has padding. */
struct ethernet { uint8_t to[6], from[6], kind[2]; };
struct ipv4 { uint8_t first, service, total[2], id[2], place[2], ttl, protocol, sum[2], from[4], to[4]; };
struct ipv6 { uint8_t first[4], length[2], next, hop, from[16], to[16]; };
struct tcp { uint8_t from[2], to[2], seq[4], ack[4], words, flags, window[2], sum[2], urgent[2]; };
struct udp { uint8_t from[2], to[2], length[2], sum[2]; };
struct icmp { uint8_t type, code, sum[2], rest[4]; };

/* The findings. */
struct layers {
    const struct ethernet *ethernet;
    const struct ipv4 *ipv4;
    const struct ipv6 *ipv6;
    const struct tcp *tcp;
    const struct udp *udp;
    const struct icmp *icmp;
    int network_is_bad, transport_is_bad;
    size_t payload;
    const char *end;            /* NULL: the payload is there */
};

static uint32_t value(const uint8_t *p, int bytes)
{
    uint32_t n = 0;

    while (bytes-- > 0)
        n = n << 8 | *p++;
    return n;
}

static uint64_t sum(uint64_t so_far, const void *data, size_t len)
{
    const uint8_t *p = data;

    for (size_t i = 0; i < len; i++)
        so_far += (uint64_t)p[i] << (i & 1 ? 0 : 8);
    return so_far;
}

/* Ones' complement: right is a multiple of 65535, and not 0. */
static int bad(uint64_t total)
{
    return total == 0 || total % 65535 != 0;
}

static void look_into_ip(struct layers *l, const uint8_t *p, size_t got, size_t room, int protocol,
                         uint64_t addresses, unsigned place)
{
    size_t header = 0, summed = room, end = room;
    const int known = protocol == 6 || protocol == 17 || protocol == (l->ipv6 ? 58 : 1);

    if (known && (place & 0x1fff) == 0) {
        const size_t least = protocol == 6 ? sizeof(struct tcp) : sizeof(struct udp);
        const struct udp *udp = (const void *)p;

        l->end = room < least ? "malformed" : got < least ? "truncated" : NULL;
        if (l->end != NULL)
            return;
        header = protocol == 6 ? ((const struct tcp *)(const void *)p)->words / 16 * 4U : least;
        if (protocol == 17)
            summed = value(udp->length, 2);
        if (header < least || header > room || summed < least || (summed > room && place == 0)) {
            l->end = "malformed";
            return;
        }
        if (header > got) {
            l->end = "truncated";
            return;
        }
        if (protocol == 6) {
            l->tcp = (const void *)p;
        } else if (protocol == 17) {
            l->udp = udp;
            if (summed < end)
                end = summed;
        } else {
            l->icmp = (const void *)p;
        }
        if (place == 0 && summed <= got && !(l->udp && l->ipv4 && value(udp->sum, 2) == 0))
            l->transport_is_bad = bad(sum(protocol == 1 ? 0 : addresses + (unsigned)protocol + summed, p, summed));
    }
    if (got < room)
        l->end = "truncated";
    l->payload = end - header;
}

static void look(struct layers *l, const uint8_t *p, size_t len)
{
    unsigned kind;

    l->end = "truncated";
    if (len < sizeof *l->ethernet)
        return;
    l->ethernet = (const void *)p;
    kind = value(l->ethernet->kind, 2);
    p += sizeof *l->ethernet;
    len -= sizeof *l->ethernet;
    if (kind == 0x0800) {
        const struct ipv4 *ip = (const void *)p;
        size_t header, total;

        if (len < sizeof *ip)
            return;
        header = ip->first % 16 * 4U;
        total = value(ip->total, 2);
        if (ip->first / 16 != 4 || header < sizeof *ip || total < header) {
            l->end = "malformed";
            return;
        }
        if (len < header)
            return;
        l->end = NULL;
        l->ipv4 = ip;
        l->network_is_bad = bad(sum(0, ip, header));
        len = len < total ? len : total;
        look_into_ip(l, p + header, len - header, total - header, ip->protocol, sum(0, ip->from, 8),
                     value(ip->place, 2) & 0x3fff);
    } else if (kind == 0x86dd) {
        const struct ipv6 *ip = (const void *)p;
        size_t room;

        if (len < sizeof *ip)
            return;
        if (ip->first[0] / 16 != 6) {
            l->end = "malformed";
            return;
        }
        l->end = NULL;
        l->ipv6 = ip;
        room = value(ip->length, 2);
        len -= sizeof *ip;
        look_into_ip(l, p + sizeof *ip, len < room ? len : room, room, ip->next, sum(0, ip->from, 32), 0);
    } else {
        l->end = NULL;
        l->payload = len;
    }
}

static size_t write_down(const struct layers *l, char *out)
{
    char *start = out, names[2][INET6_ADDRSTRLEN];

    if (l->ethernet != NULL) {
        const uint8_t *f = l->ethernet->from, *t = l->ethernet->to;

        out += sprintf(out, "ethernet %02x:%02x:%02x:%02x:%02x:%02x > %02x:%02x:%02x:%02x:%02x:%02x\n",
                       f[0], f[1], f[2], f[3], f[4], f[5], t[0], t[1], t[2], t[3], t[4], t[5]);
    }
    if (l->ipv4 != NULL) {
        const uint8_t *f = l->ipv4->from, *t = l->ipv4->to;

        out += sprintf(out, "ipv4 %u.%u.%u.%u > %u.%u.%u.%u ttl %u\n", f[0], f[1], f[2], f[3], t[0], t[1], t[2],
                       t[3], l->ipv4->ttl);
    }
    if (l->ipv6 != NULL)
        out += sprintf(out, "ipv6 %s > %s hop %u\n", inet_ntop(AF_INET6, l->ipv6->from, names[0], sizeof names[0]),
                       inet_ntop(AF_INET6, l->ipv6->to, names[1], sizeof names[1]), l->ipv6->hop);
    if (l->network_is_bad)
        out += sprintf(out, "checksum bad\n");
    if (l->tcp != NULL) {
        char flags[] = "FSRPAUEC", *kept = flags;

        for (int bit = 0; bit < 8; bit++)
            if (l->tcp->flags >> bit & 1)
                *kept++ = flags[bit];
        *kept = '\0';
        out += sprintf(out, "tcp %u > %u flags %s seq %u ack %u\n", value(l->tcp->from, 2), value(l->tcp->to, 2),
                       *flags != '\0' ? flags : "-", value(l->tcp->seq, 4), value(l->tcp->ack, 4));
    }
    if (l->udp != NULL)
        out += sprintf(out, "udp %u > %u\n", value(l->udp->from, 2), value(l->udp->to, 2));
    if (l->icmp != NULL)
        out += sprintf(out, "icmp type %u code %u\n", l->icmp->type, l->icmp->code);
    if (l->transport_is_bad)
        out += sprintf(out, "checksum bad\n");
    out += l->end != NULL ? sprintf(out, "%s\n", l->end) : sprintf(out, "payload %zu\n", l->payload);
    return (size_t)(out - start);
}

int peel(const unsigned char *frame, size_t len, char *text, size_t size)
{
    struct layers layers = {0};
    char lines[400];
    size_t length;

    if ((frame == NULL && len > 0) || (text == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    look(&layers, frame, len);
    length = write_down(&layers, lines);
    if (size <= length) {
        errno = EMSGSIZE;
        return -1;
    }
    strcpy(text, lines);
    return (int)length;
}
