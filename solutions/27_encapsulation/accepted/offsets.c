/* Layers by their offsets: no structures, one buffer, and the sum as the sender makes it. */

#include "encapsulation.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned word(const unsigned char *p)
{
    return (unsigned)p[0] * 256 + p[1];
}

static unsigned long number(const unsigned char *p)
{
    return (unsigned long)word(p) * 65536 + word(p + 2);
}

/* The checksum of size bytes but for the field at that place, begun with a sum. */
static unsigned checksum(unsigned long sum, const unsigned char *p, size_t size, size_t field)
{
    for (size_t i = 0; i < size; i++)
        if (i != field && i != field + 1)
            sum += i % 2 == 0 ? p[i] * 256UL : p[i];
    while (sum / 65536 != 0)
        sum = sum % 65536 + sum / 65536;
    return 65535U - (unsigned)sum;
}

static int is_bad(unsigned long sum, const unsigned char *p, size_t size, size_t field)
{
    unsigned made = checksum(sum, p, size, field), told = word(p + field);

    return made != told && !(made == 0 && told == 65535);
}

int peel(const unsigned char *frame, size_t len, char *text, size_t size)
{
    char lines[512], *end = lines, from[46], to[46];
    const unsigned char *p, *addresses;
    size_t header, room, got, summed, rest;
    unsigned long pseudo = 0;
    unsigned kind, protocol, place = 0;
    int six, field;

    if ((frame == NULL && len != 0) || (text == NULL && size != 0)) {
        errno = EINVAL;
        return -1;
    }
    if (len < 14)
        goto truncated;
    p = frame;
    end += sprintf(end, "ethernet %02x:%02x:%02x:%02x:%02x:%02x", p[6], p[7], p[8], p[9], p[10], p[11]);
    end += sprintf(end, " > %02x:%02x:%02x:%02x:%02x:%02x\n", p[0], p[1], p[2], p[3], p[4], p[5]);
    kind = word(p + 12);
    p += 14;
    len -= 14;
    if (kind != 0x0800 && kind != 0x86dd) {
        rest = len;
        goto payload;
    }
    six = kind == 0x86dd;
    if (len < (six ? 40 : 20))
        goto truncated;
    if (p[0] / 16 != (six ? 6 : 4))
        goto malformed;
    if (six) {
        header = 40;
        room = word(p + 4);
        protocol = p[6];
    } else {
        header = p[0] % 16 * 4U;
        if (header < 20 || word(p + 2) < header)
            goto malformed;
        if (header > len)
            goto truncated;
        room = word(p + 2) - header;
        protocol = p[9];
        place = word(p + 6) & 0x3fff;
    }
    addresses = p + (six ? 8 : 12);
    inet_ntop(six ? AF_INET6 : AF_INET, addresses, from, sizeof from);
    inet_ntop(six ? AF_INET6 : AF_INET, addresses + (six ? 16 : 4), to, sizeof to);
    end += sprintf(end, six ? "ipv6 %s > %s hop %u\n" : "ipv4 %s > %s ttl %u\n", from, to, six ? p[7] : p[8]);
    if (!six && is_bad(0, p, header, 10))
        end += sprintf(end, "checksum bad\n");
    for (size_t i = 0; i < (six ? 32U : 8U); i += 2)
        pseudo += word(addresses + i);

    p += header;
    got = len - header < room ? len - header : room;
    rest = room;
    if (place % 0x2000 != 0 || (protocol != 6 && protocol != 17 && protocol != (six ? 58 : 1)))
        goto rest;
    if (room < (protocol == 6 ? 20 : 8))
        goto malformed;
    if (got < (protocol == 6 ? 20 : 8))
        goto truncated;
    summed = room;
    if (protocol == 6) {
        header = p[12] / 16 * 4U;
        if (header < 20 || header > room)
            goto malformed;
        if (header > got)
            goto truncated;
        end += sprintf(end, "tcp %u > %u flags %s", word(p), word(p + 2), p[13] == 0 ? "-" : "");
        for (unsigned bit = 0; bit < 8; bit++)
            if (p[13] & (1U << bit))
                *end++ = "FSRPAUEC"[bit];
        end += sprintf(end, " seq %lu ack %lu\n", number(p + 4), number(p + 8));
        rest = room - header;
        field = 16;
    } else if (protocol == 17) {
        summed = word(p + 4);
        if (summed < 8 || (summed > room && place == 0))
            goto malformed;
        end += sprintf(end, "udp %u > %u\n", word(p), word(p + 2));
        rest = (summed < room ? summed : room) - 8;
        field = 6;
    } else {
        end += sprintf(end, "icmp type %d code %d\n", p[0], p[1]);
        rest = room - 8;
        field = 2;
    }
    pseudo = protocol == 1 ? 0 : pseudo + protocol + summed;
    if (place == 0 && summed <= got && !(protocol == 17 && !six && word(p + 6) == 0))
        if (is_bad(pseudo, p, summed, (size_t)field))
            end += sprintf(end, "checksum bad\n");
rest:
    if (got < room)
        goto truncated;
payload:
    end += sprintf(end, "payload %zu\n", rest);
    goto done;
truncated:
    end += sprintf(end, "truncated\n");
    goto done;
malformed:
    end += sprintf(end, "malformed\n");
done:
    if ((size_t)(end - lines) + 1 > size) {
        errno = EMSGSIZE;
        return -1;
    }
    memcpy(text, lines, (size_t)(end - lines) + 1);
    return (int)(end - lines);
}
