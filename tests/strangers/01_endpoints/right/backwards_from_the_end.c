/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#include "endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The port is read from the right: units, tens, ... up to the colon. */
static const char *port_from_right(const char *text, size_t n, unsigned *port)
{
    unsigned long value = 0, unit = 1;
    size_t digits = 0;

    while (n > 0 && text[n - 1] >= '0' && text[n - 1] <= '9') {
        unsigned d = (unsigned)(text[--n] - '0');
        if (d && unit > 10000)
            return NULL;
        value += d * unit;
        if (unit <= 10000)
            unit *= 10;
        digits++;
    }
    if (!digits || value > 65535 || n == 0 || text[n - 1] != ':')
        return NULL;
    *port = (unsigned)value;
    return text + n - 1;
}

ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    unsigned char made[19];
    const char *colon, *first = text;
    unsigned port;
    size_t length, need;
    int family = AF_INET;

    if (!text || (!record && size) || !(colon = port_from_right(text, strlen(text), &port)))
        goto invalid;
    length = (size_t)(colon - text);
    if (length >= 2 && text[0] == '[' && colon[-1] == ']') {
        family = AF_INET6;
        first++;
        length -= 2;
    }
    if (length >= sizeof host)
        goto invalid;
    memcpy(host, first, length);
    host[length] = '\0';
    if (inet_pton(family, host, made + 3) != 1)
        goto invalid;
    made[0] = family == AF_INET ? 4 : 6;
    made[1] = (unsigned char)(port >> 8);
    made[2] = (unsigned char)port;
    need = family == AF_INET ? 7 : 19;
    if (size < need) {
        errno = EMSGSIZE;
        return -1;
    }
    memcpy(record, made, need);
    return (ssize_t)need;
invalid:
    errno = EINVAL;
    return -1;
}

int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN], all[INET6_ADDRSTRLEN + 9];
    int six, n;

    if (!record || (!text && size) || !((len == 7 && record[0] == 4) || (len == 19 && record[0] == 6))) {
        errno = EINVAL;
        return -1;
    }
    six = record[0] == 6;
    if (!inet_ntop(six ? AF_INET6 : AF_INET, record + 3, host, sizeof host))
        return -1;
    n = snprintf(all, sizeof all, six ? "[%s]:%d" : "%s:%d", host, record[1] * 256 + record[2]);
    if (n < 0 || (size_t)n >= size) {
        errno = EMSGSIZE;
        return -1;
    }
    memcpy(text, all, (size_t)n + 1);
    return 0;
}
