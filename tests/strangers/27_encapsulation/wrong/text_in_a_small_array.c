/*
 * expect: fail
 * gap: other
 * cause: An IPv6 address is put into an array that an IPv4 address fits in.
 * shows: An IPv6 address of more than 15 characters.
 * says: 'ipv6 (null) > (null) hop 255'
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct __attribute__((packed)) eth { uint8_t d[6], s[6]; uint16_t t; };
struct __attribute__((packed)) ip4 { uint8_t vhl, tos; uint16_t len, id, off; uint8_t ttl, p; uint16_t sum; uint32_t s, d; };
struct __attribute__((packed)) ip6 { uint32_t vtf; uint16_t len; uint8_t nxt, hop; uint8_t s[16], d[16]; };
struct __attribute__((packed)) th { uint16_t s, d; uint32_t seq, ack; uint8_t off, fl; uint16_t win, sum, urg; };
struct __attribute__((packed)) uh { uint16_t s, d, len, sum; };

typedef struct { char *p; size_t left, total; } Out;

#define SAY(o, ...) say_done(o, snprintf((o)->p, (o)->left, __VA_ARGS__))

static void say_done(Out *o, int n)
{
    o->total += (size_t)n;
    if ((size_t)n < o->left) {
        o->p += n;
        o->left -= (size_t)n;
    } else {
        if (o->left > 0)
            o->p += o->left;
        o->left = 0;
    }
}

static uint16_t csum(const void *a, size_t an, const void *b, size_t bn)
{
    const uint8_t *q = a;
    uint64_t s = 0;
    uint16_t w;

    for (; an > 1; an -= 2, q += 2)
        memcpy(&w, q, 2), s += w;
    q = b;
    for (; bn > 1; bn -= 2, q += 2)
        memcpy(&w, q, 2), s += w;
    if (bn) {
        uint8_t last[2] = {*q, 0};
        memcpy(&w, last, 2);
        s += w;
    }
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (uint16_t)~s;        /* in whatever order: 0 is 0 */
}

static void upper(Out *o, const uint8_t *p, size_t cap, size_t room, int proto, const uint8_t *ps, size_t psn, int mf)
{
    struct { uint8_t addr[32]; uint16_t proto, len; } ph;
    size_t covered = room, hl, end = room;

    if (proto == 6) {
        struct th t;
        char fl[9], *f = fl;

        if (room < 20) { SAY(o, "malformed\n"); return; }
        if (cap < 20) { SAY(o, "truncated\n"); return; }
        memcpy(&t, p, sizeof t);
        hl = t.off / 16u * 4u;
        if (hl < 20 || hl > room) { SAY(o, "malformed\n"); return; }
        if (hl > cap) { SAY(o, "truncated\n"); return; }
        for (int i = 0; i < 8; i++)
            if (t.fl & 1u << i)
                *f++ = "FSRPAUEC"[i];
        if (f == fl)
            *f++ = '-';
        *f = 0;
        SAY(o, "tcp %u > %u flags %s seq %u ack %u\n", be16toh(t.s), be16toh(t.d), fl, be32toh(t.seq), be32toh(t.ack));
    } else if (proto == 17) {
        struct uh u;

        if (room < 8) { SAY(o, "malformed\n"); return; }
        if (cap < 8) { SAY(o, "truncated\n"); return; }
        memcpy(&u, p, sizeof u);
        covered = be16toh(u.len);
        if (covered < 8 || (covered > room && !mf)) { SAY(o, "malformed\n"); return; }
        SAY(o, "udp %u > %u\n", be16toh(u.s), be16toh(u.d));
        hl = 8;
        if (covered < end)
            end = covered;
        if (u.sum == 0 && psn == 8)
            goto left;
    } else if (proto == (psn == 8 ? 1 : 58)) {
        if (room < 8) { SAY(o, "malformed\n"); return; }
        if (cap < 8) { SAY(o, "truncated\n"); return; }
        SAY(o, "icmp type %u code %u\n", p[0], p[1]);
        hl = 8;
    } else {
        hl = 0;
        goto left;
    }
    if (!mf && covered <= cap) {
        memset(&ph, 0, sizeof ph);
        memcpy(ph.addr, ps, psn);
        ph.proto = htobe16((uint16_t)proto);
        ph.len = htobe16((uint16_t)covered);
        if (csum(&ph, proto == 1 ? 0 : sizeof ph, p, covered) != 0)
            SAY(o, "checksum bad\n");
    }
left:
    if (cap < room)
        SAY(o, "truncated\n");
    else
        SAY(o, "payload %lu\n", (unsigned long)(end - hl));
}

static void net(Out *o, const uint8_t *f, size_t n)
{
    char s[16], d[16];
    struct eth e;

    if (n < sizeof e) { SAY(o, "truncated\n"); return; }
    memcpy(&e, f, sizeof e);
    SAY(o, "ethernet %02hhx:%02hhx:%02hhx:%02hhx:%02hhx:%02hhx", e.s[0], e.s[1], e.s[2], e.s[3], e.s[4], e.s[5]);
    SAY(o, " > %02hhx:%02hhx:%02hhx:%02hhx:%02hhx:%02hhx\n", e.d[0], e.d[1], e.d[2], e.d[3], e.d[4], e.d[5]);
    f += sizeof e;
    n -= sizeof e;
    if (be16toh(e.t) == 0x0800) {
        struct ip4 i;
        size_t hl, tl;

        if (n < sizeof i) { SAY(o, "truncated\n"); return; }
        memcpy(&i, f, sizeof i);
        hl = (i.vhl & 0x0fu) << 2;
        tl = be16toh(i.len);
        if ((i.vhl & 0xf0) != 0x40 || hl < 20 || hl > tl) { SAY(o, "malformed\n"); return; }
        if (hl > n) { SAY(o, "truncated\n"); return; }
        SAY(o, "ipv4 %s > %s ttl %u\n", inet_ntop(AF_INET, f + 12, s, sizeof s), inet_ntop(AF_INET, f + 16, d, sizeof d), i.ttl);
        if (csum(NULL, 0, f, hl))
            SAY(o, "checksum bad\n");
        if (n > tl)
            n = tl;
        upper(o, f + hl, n - hl, tl - hl, be16toh(i.off) & 0x1fff ? 256 : i.p, f + 12, 8, be16toh(i.off) & 0x2000);
    } else if (be16toh(e.t) == 0x86dd) {
        struct ip6 i;
        size_t pl;

        if (n < sizeof i) { SAY(o, "truncated\n"); return; }
        memcpy(&i, f, sizeof i);
        if (be32toh(i.vtf) >> 28 != 6) { SAY(o, "malformed\n"); return; }
        SAY(o, "ipv6 %s > %s hop %u\n", inet_ntop(AF_INET6, i.s, s, sizeof s), inet_ntop(AF_INET6, i.d, d, sizeof d), i.hop);
        pl = be16toh(i.len);
        n -= 40;
        upper(o, f + 40, n < pl ? n : pl, pl, i.nxt, f + 8, 32, 0);
    } else {
        SAY(o, "payload %lu\n", (unsigned long)n);
    }
}

int peel(const unsigned char *frame, size_t len, char *text, size_t size)
{
    Out o = {text, size, 0};

    if (frame == NULL && len != 0)
        return errno = EINVAL, -1;
    if (text == NULL && size != 0)
        return errno = EINVAL, -1;
    net(&o, frame, len);
    if (o.total + 1 > size)
        return errno = EMSGSIZE, -1;
    return (int)o.total;
}
