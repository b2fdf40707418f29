/* A captured frame, peeled: a line for each layer, and one for what is left. */

#include "encapsulation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Lines that are being written. */
struct report {
    char *text;
    size_t size, length;
};

/* What an IP packet carries. */
struct payload {
    int version, protocol;
    uint32_t addresses;         /* their sum, for the pseudo-header */
    const unsigned char *data;
    size_t length, captured;    /* so many bytes it has, so many of them are here */
    int is_piece;               /* of a datagram that was cut into fragments */
};

/* Set errno.  Returns -1. */
static int fail(int error)
{
    errno = error;
    return -1;
}

/* Write a line; one that does not fit is counted all the same. */
static void tell(struct report *r, const char *form, ...)
{
    size_t room = r->length < r->size ? r->size - r->length : 0;
    va_list arguments;

    va_start(arguments, form);
    r->length += (size_t)vsnprintf(room > 0 ? r->text + r->length : NULL, room, form, arguments);
    va_end(arguments);
}

/* Add the 16-bit words of data to a sum (RFC 1071). */
static uint32_t add(uint32_t sum, const void *data, size_t len)
{
    const unsigned char *p = data;

    for (; len > 1; p += 2, len -= 2)
        sum += (uint32_t)p[0] << 8 | p[1];
    if (len > 0)
        sum += (uint32_t)p[0] << 8;
    return sum;
}

/* Whether a sum is that of data with the right checksum in it. */
static int is_right(uint32_t sum)
{
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

/* Whether a header of that size is there; if not, tell why. */
static int has(struct report *r, const struct payload *in, size_t size)
{
    if (in->length < size)
        tell(r, "malformed\n");
    else if (in->captured < size)
        tell(r, "truncated\n");
    else
        return 1;
    return 0;
}

/* Tell of a wrong checksum over length bytes, if all of them are here. */
static void judge_checksum(struct report *r, const struct payload *in, size_t length)
{
    uint32_t sum = 0;

    if (in->is_piece || in->captured < length)
        return;
    if (in->protocol != IPPROTO_ICMP)   /* the pseudo-header */
        sum = in->addresses + (uint32_t)in->protocol + (uint32_t)length;
    if (!is_right(add(sum, in->data, length)))
        tell(r, "checksum bad\n");
}

/* Tell how much stands behind a header, of length bytes. */
static void peel_rest(struct report *r, const struct payload *in, size_t header, size_t length)
{
    if (in->captured < in->length)
        tell(r, "truncated\n");
    else
        tell(r, "payload %zu\n", length - header);
}

static void peel_tcp(struct report *r, const struct payload *in)
{
    struct tcphdr tcp;
    char flags[9] = "-";
    size_t header, n = 0;

    if (!has(r, in, sizeof tcp))
        return;
    memcpy(&tcp, in->data, sizeof tcp);
    header = tcp.doff * 4U;
    if (header < sizeof tcp) {
        tell(r, "malformed\n");
        return;
    }
    if (!has(r, in, header))
        return;
    for (int bit = 0; bit < 8; bit++)
        if (in->data[13] >> bit & 1)
            flags[n++] = "FSRPAUEC"[bit];
    tell(r, "tcp %u > %u flags %s seq %u ack %u\n", ntohs(tcp.source), ntohs(tcp.dest),
         flags, ntohl(tcp.seq), ntohl(tcp.ack_seq));
    judge_checksum(r, in, in->length);
    peel_rest(r, in, header, in->length);
}

static void peel_udp(struct report *r, const struct payload *in)
{
    struct udphdr udp;
    size_t length;

    if (!has(r, in, sizeof udp))
        return;
    memcpy(&udp, in->data, sizeof udp);
    length = ntohs(udp.len);
    if (length < sizeof udp || (length > in->length && !in->is_piece)) {
        tell(r, "malformed\n");
        return;
    }
    tell(r, "udp %u > %u\n", ntohs(udp.source), ntohs(udp.dest));
    if (udp.check != 0 || in->version == 6)     /* over IPv4, 0 says that there is none */
        judge_checksum(r, in, length);
    peel_rest(r, in, sizeof udp, length < in->length ? length : in->length);
}

static void peel_icmp(struct report *r, const struct payload *in)
{
    if (!has(r, in, sizeof(struct icmphdr)))
        return;
    tell(r, "icmp type %u code %u\n", in->data[0], in->data[1]);
    judge_checksum(r, in, in->length);
    peel_rest(r, in, sizeof(struct icmphdr), in->length);
}

static void peel_transport(struct report *r, const struct payload *in)
{
    if (in->protocol == IPPROTO_TCP)
        peel_tcp(r, in);
    else if (in->protocol == IPPROTO_UDP)
        peel_udp(r, in);
    else if (in->protocol == (in->version == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
        peel_icmp(r, in);
    else
        peel_rest(r, in, 0, in->length);
}

static void peel_ipv4(struct report *r, const unsigned char *packet, size_t len)
{
    char source[INET_ADDRSTRLEN], to[INET_ADDRSTRLEN];
    struct payload in = {.version = 4};
    struct iphdr ip;
    size_t header, total;

    if (len < sizeof ip) {
        tell(r, "truncated\n");
        return;
    }
    memcpy(&ip, packet, sizeof ip);
    header = ip.ihl * 4U;
    total = ntohs(ip.tot_len);
    if (ip.version != 4 || header < sizeof ip || header > total) {
        tell(r, "malformed\n");
        return;
    }
    if (len < header) {
        tell(r, "truncated\n");
        return;
    }
    inet_ntop(AF_INET, &ip.saddr, source, sizeof source);
    inet_ntop(AF_INET, &ip.daddr, to, sizeof to);
    tell(r, "ipv4 %s > %s ttl %u\n", source, to, ip.ttl);
    if (!is_right(add(0, packet, header)))
        tell(r, "checksum bad\n");

    in.protocol = ip.protocol;
    in.addresses = add(0, packet + 12, 8);
    in.data = packet + header;
    in.length = total - header;
    in.captured = len - header < in.length ? len - header : in.length;
    in.is_piece = (ntohs(ip.frag_off) & IP_MF) != 0;
    if ((ntohs(ip.frag_off) & IP_OFFMASK) != 0)
        peel_rest(r, &in, 0, in.length);
    else
        peel_transport(r, &in);
}

static void peel_ipv6(struct report *r, const unsigned char *packet, size_t len)
{
    char source[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
    struct payload in = {.version = 6};
    struct ip6_hdr ip;

    if (len < sizeof ip) {
        tell(r, "truncated\n");
        return;
    }
    memcpy(&ip, packet, sizeof ip);
    if (packet[0] >> 4 != 6) {
        tell(r, "malformed\n");
        return;
    }
    inet_ntop(AF_INET6, &ip.ip6_src, source, sizeof source);
    inet_ntop(AF_INET6, &ip.ip6_dst, to, sizeof to);
    tell(r, "ipv6 %s > %s hop %u\n", source, to, ip.ip6_hlim);

    in.protocol = ip.ip6_nxt;
    in.addresses = add(0, packet + 8, 32);
    in.data = packet + sizeof ip;
    in.length = ntohs(ip.ip6_plen);
    in.captured = len - sizeof ip < in.length ? len - sizeof ip : in.length;
    peel_transport(r, &in);
}

int peel(const unsigned char *frame, size_t len, char *text, size_t size)
{
    struct report r = {text, size, 0};
    struct ether_header ether;
    const unsigned char *from = ether.ether_shost, *to = ether.ether_dhost;

    if ((frame == NULL && len > 0) || (text == NULL && size > 0))
        return fail(EINVAL);
    if (len < sizeof ether) {
        tell(&r, "truncated\n");
    } else {
        memcpy(&ether, frame, sizeof ether);
        tell(&r, "ethernet %02x:%02x:%02x:%02x:%02x:%02x > %02x:%02x:%02x:%02x:%02x:%02x\n",
             from[0], from[1], from[2], from[3], from[4], from[5], to[0], to[1], to[2], to[3], to[4], to[5]);
        frame += sizeof ether;
        len -= sizeof ether;
        if (ntohs(ether.ether_type) == ETHERTYPE_IP)
            peel_ipv4(&r, frame, len);
        else if (ntohs(ether.ether_type) == ETHERTYPE_IPV6)
            peel_ipv6(&r, frame, len);
        else
            tell(&r, "payload %zu\n", len);
    }
    if (r.length >= size)       /* the zero has to fit, too */
        return fail(EMSGSIZE);
    return (int)r.length;
}
