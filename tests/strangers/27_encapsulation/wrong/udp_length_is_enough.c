/*
 * expect: fail
 * gap: other
 * cause: Where the length of UDP fits the capture, the rest that IP announces is not missed.
 * shows: A UDP datagram shorter than its packet, cut behind it.
 * says: the IP packet goes on, and was cut
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    char *text;
    struct line *next;
};

struct cut {
    const uint8_t *p;
    long have, room;            /* room is -1 where nobody says */
};

static struct line **tail;

static void add(char *text)
{
    struct line *l = calloc(1, sizeof *l);

    l->text = text;
    *tail = l;
    tail = &l->next;
}

static char *fmt(const char *f, ...)
{
    va_list ap;
    char *s;

    va_start(ap, f);
    if (vasprintf(&s, f, ap) < 0)
        abort();
    va_end(ap);
    return s;
}

static unsigned u16(const uint8_t *p) { return p[0] << 8 | p[1]; }
static uint32_t u32(const uint8_t *p) { return (uint32_t)u16(p) << 16 | u16(p + 2); }

static const char *need(struct cut c, long n)
{
    if (c.room >= 0 && c.room < n)
        return "malformed";
    return c.have < n ? "truncated" : NULL;
}

static struct cut drop(struct cut c, long n, long total)
{
    struct cut r = {c.p + n, c.have - n, total - n};

    if (total < 0)
        r.room = -1;
    else if (r.have > r.room)
        r.have = r.room;
    return r;
}

static unsigned long words(const uint8_t *p, long n)
{
    unsigned long s = 0;

    for (long i = 0; i < n; i++)
        s += i & 1 ? p[i] : (unsigned long)p[i] << 8;
    return s;
}

static void check(unsigned long s)
{
    while (s > 0xffff)
        s = (s >> 16) + (s & 0xffff);
    if (s != 0xffff)
        add(strdup("checksum bad"));
}

static char *rest(struct cut c)
{
    if (c.room >= 0 && c.have < c.room)
        return strdup("truncated");
    return fmt("payload %ld", c.have);
}

static char *transport(struct cut c, int v, int proto, unsigned long addresses, int whole)
{
    const int tcp = proto == 6, udp = proto == 17, icmp = proto == (v == 4 ? 1 : 58);
    const char *why = tcp ? need(c, 20) : udp || icmp ? need(c, 8) : NULL;
    long head = 8, summed = c.room;
    struct cut r;

    if (!tcp && !udp && !icmp)
        return rest(c);
    if (why)
        return strdup(why);
    if (tcp) {
        char flags[9] = "-", *f = flags;

        head = (c.p[12] >> 4) * 4;
        if (head < 20)
            return strdup("malformed");
        if ((why = need(c, head)))
            return strdup(why);
        for (unsigned bit = 0; bit < 8; bit++)
            if (c.p[13] >> bit & 1)
                *f++ = "FSRPAUEC"[bit], *f = 0;
        add(fmt("tcp %u > %u flags %s seq %u ack %u", u16(c.p), u16(c.p + 2), flags, u32(c.p + 4), u32(c.p + 8)));
    } else if (udp) {
        summed = u16(c.p + 4);
        if (summed < 8 || (summed > c.room && whole))
            return strdup("malformed");
        add(fmt("udp %u > %u", u16(c.p), u16(c.p + 2)));
    } else {
        add(fmt("icmp type %u code %u", c.p[0], c.p[1]));
    }
    if (whole && summed <= c.have && !(udp && v == 4 && u16(c.p + 6) == 0))
        check((proto == 1 ? 0 : addresses + (unsigned)proto + (unsigned long)summed) + words(c.p, summed));
    r = drop(c, head, summed < c.room ? summed : c.room);
    return rest(r);
}

static char *ip4(struct cut c)
{
    const char *why = need(c, 20);
    const uint8_t *p = c.p;
    long head, total;

    if (why)
        return strdup(why);
    head = (p[0] & 15) * 4;
    total = u16(p + 2);
    if (p[0] >> 4 != 4 || head < 20 || head > total)
        return strdup("malformed");
    if ((why = need(c, head)))
        return strdup(why);
    add(fmt("ipv4 %u.%u.%u.%u > %u.%u.%u.%u ttl %u", p[12], p[13], p[14], p[15], p[16], p[17], p[18], p[19], p[8]));
    check(words(p, head));
    if (u16(p + 6) & 0x1fff)
        return rest(drop(c, head, total));
    return transport(drop(c, head, total), 4, p[9], words(p + 12, 8), !(p[6] & 0x20));
}

static char *ip6(struct cut c)
{
    const char *why = need(c, 40);
    char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];

    if (why)
        return strdup(why);
    if (c.p[0] >> 4 != 6)
        return strdup("malformed");
    inet_ntop(AF_INET6, c.p + 8, a, sizeof a);
    inet_ntop(AF_INET6, c.p + 24, b, sizeof b);
    add(fmt("ipv6 %s > %s hop %u", a, b, c.p[7]));
    return transport(drop(c, 40, 40 + u16(c.p + 4)), 6, c.p[6], words(c.p + 8, 32), 1);
}

static char *link_layer(struct cut c)
{
    const uint8_t *p = c.p;
    char mac[2][18];
    unsigned kind;

    if (c.have < 14)
        return strdup("truncated");
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 6; j++)
            sprintf(mac[i] + j * 3, j < 5 ? "%02x:" : "%02x", p[(1 - i) * 6 + j]);
    add(fmt("ethernet %s > %s", mac[0], mac[1]));
    kind = u16(p + 12);
    c = drop(c, 14, -1);
    return kind == 0x800 ? ip4(c) : kind == 0x86dd ? ip6(c) : rest(c);
}

int peel(const unsigned char *frame, size_t len, char *text, size_t size)
{
    struct line *first = NULL, *next;
    size_t length = 0;
    int fits;

    if ((frame == NULL && len) || (text == NULL && size)) {
        errno = EINVAL;
        return -1;
    }
    tail = &first;
    add(link_layer((struct cut){frame, (long)len, -1}));
    for (struct line *l = first; l; l = l->next)
        length += strlen(l->text) + 1;
    fits = length < size;
    if (fits)
        *text = '\0';
    for (struct line *l = first; l; l = next) {
        next = l->next;
        if (fits)
            strcat(strcat(text, l->text), "\n");
        free(l->text);
        free(l);
    }
    if (!fits) {
        errno = EMSGSIZE;
        return -1;
    }
    return (int)length;
}
