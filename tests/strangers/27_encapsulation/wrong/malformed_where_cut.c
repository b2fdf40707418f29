/*
 * expect: fail
 * gap: other
 * cause: An IPv4 header that is longer than the capture is called malformed, although the packet has room for it.
 * shows: A capture that ends among the options.
 * says: malformed
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int put(char **out, const char *format, ...)
{
    va_list ap;
    int n;

    va_start(ap, format);
    if (*out == NULL) {
        n = vsnprintf(NULL, 0, format, ap);
    } else {
        n = vsprintf(*out, format, ap);
        *out += n;
    }
    va_end(ap);
    return n;
}

static uint32_t be(const unsigned char *p, unsigned n)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < n; i++)
        v = (v << 8) + p[i];
    return v;
}

static uint32_t accumulate(uint32_t sum, const unsigned char *p, size_t n)
{
    size_t i;

    for (i = 0; i + 1 < n; i += 2)
        sum += be(p + i, 2);
    if (n % 2 == 1)
        sum += be(p + n - 1, 1) * 256;
    return sum;
}

static bool valid(uint32_t sum)
{
    sum = (sum >> 16) + (sum & 0xffffU);
    sum = (sum >> 16) + (sum & 0xffffU);
    return sum == 0xffffU;
}

static int network(char **out, const unsigned char *p, size_t len, int version);

static int run(char *out, const unsigned char *frame, size_t len)
{
    const unsigned char *m = frame;
    int n;

    if (len < 14)
        return put(&out, "truncated\n");
    n = put(&out, "ethernet %02x:%02x:%02x:%02x:%02x:%02x > %02x:%02x:%02x:%02x:%02x:%02x\n", m[6], m[7], m[8], m[9],
            m[10], m[11], m[0], m[1], m[2], m[3], m[4], m[5]);
    switch (be(frame + 12, 2)) {
    case 0x0800:
        return n + network(&out, frame + 14, len - 14, 4);
    case 0x86dd:
        return n + network(&out, frame + 14, len - 14, 6);
    default:
        return n + put(&out, "payload %zu\n", len - 14);
    }
}

static int network(char **out, const unsigned char *p, size_t len, int version)
{
    const size_t least = version == 4 ? 20 : 40;
    size_t head = 40, room, have, tail = 0, span;
    uint32_t pseudo = 0;
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    unsigned proto, frag = 0, hops;
    int n;

    if (len < least)
        return put(out, "truncated\n");
    if (p[0] >> 4 != version)
        return put(out, "malformed\n");
    if (version == 4) {
        head = (size_t)(p[0] & 15) * 4;
        if (head < 20 || be(p + 2, 2) < head)
            return put(out, "malformed\n");
        if (head > len)
            return put(out, "malformed\n");
        room = be(p + 2, 2) - head;
        proto = p[9];
        hops = p[8];
        frag = be(p + 6, 2);
        inet_ntop(AF_INET, p + 12, src, sizeof src);
        inet_ntop(AF_INET, p + 16, dst, sizeof dst);
        pseudo = accumulate(0, p + 12, 8);
    } else {
        room = be(p + 4, 2);
        proto = p[6];
        hops = p[7];
        inet_ntop(AF_INET6, p + 8, src, sizeof src);
        inet_ntop(AF_INET6, p + 24, dst, sizeof dst);
        pseudo = accumulate(0, p + 8, 32);
    }
    n = put(out, "ipv%d %s > %s %s %u\n", version, src, dst, version == 4 ? "ttl" : "hop", hops);
    if (version == 4 && !valid(accumulate(0, p, head)))
        n += put(out, "checksum bad\n");
    p += head;
    have = len - head;
    if (have > room)
        have = room;
    span = room;

    if ((frag & 0x1fff) == 0) {
        size_t small = proto == 6 ? 20 : proto == 17 || proto == (version == 4 ? 1 : 58) ? 8 : 0;

        if (room < small)
            return n + put(out, "malformed\n");
        if (have < small)
            return n + put(out, "truncated\n");
        tail = small;
        if (small > 0 && proto == 6) {
            char flags[] = "--------";
            int f = 0;

            tail = (size_t)(p[12] >> 4) * 4;
            if (tail < 20 || tail > room)
                return n + put(out, "malformed\n");
            if (tail > have)
                return n + put(out, "truncated\n");
            for (int i = 0; i < 8; i++)
                if (p[13] & (1 << i))
                    flags[f++] = "FSRPAUEC"[i];
            flags[f > 0 ? f : 1] = '\0';
            n += put(out, "tcp %" PRIu32 " > %" PRIu32 " flags %s seq %" PRIu32 " ack %" PRIu32 "\n", be(p, 2),
                     be(p + 2, 2), flags, be(p + 4, 4), be(p + 8, 4));
        } else if (small > 0 && proto == 17) {
            span = be(p + 4, 2);
            if (span < 8 || (span > room && !(frag & 0x2000)))
                return n + put(out, "malformed\n");
            n += put(out, "udp %" PRIu32 " > %" PRIu32 "\n", be(p, 2), be(p + 2, 2));
        } else if (small > 0) {
            n += put(out, "icmp type %d code %d\n", p[0], p[1]);
        }
        if (small > 0 && !(frag & 0x2000) && span <= have && !(proto == 17 && version == 4 && be(p + 6, 2) == 0)) {
            uint32_t sum = proto == 1 ? 0 : pseudo + proto + (uint32_t)span;

            if (!valid(accumulate(sum, p, span)))
                n += put(out, "checksum bad\n");
        }
    }
    if (have < room)
        return n + put(out, "truncated\n");
    return n + put(out, "payload %zu\n", (span < room ? span : room) - tail);
}

int peel(const unsigned char *frame, size_t len, char *text, size_t size)
{
    int need;

    if ((!frame && len) || (!text && size)) {
        errno = EINVAL;
        return -1;
    }
    need = run(NULL, frame, len);
    if ((size_t)need >= size) {
        errno = EMSGSIZE;
        return -1;
    }
    return run(text, frame, len);
}
