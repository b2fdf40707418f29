/*
 * expect: fail
 * gap: other
 * cause: The record is read through a pointer to plain char, which is signed: a port byte of 0x80 or more becomes negative and its sign fills the upper bits.
 * shows: A record whose port has such a byte is unpacked: 3490 (0x0da2) comes out as 65442.
 * says: for a negative number
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

static size_t length_for(int tag)
{
    return tag == 4 ? 7 : tag == 6 ? 19 : 0;
}

ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    const char *from, *to, *digits;
    unsigned char made[19];
    unsigned long port = 0;
    int tag;

    if (text == NULL || (record == NULL && size > 0))
        goto bad;
    if (*text == '[') {
        tag = 6;
        from = text + 1;
        to = strstr(text, "]:");
        digits = to ? to + 2 : NULL;
    } else {
        tag = 4;
        from = text;
        to = strchr(text, ':');
        digits = to ? to + 1 : NULL;
    }
    if (!to || (size_t)(to - from) >= sizeof host || !*digits)
        goto bad;
    for (; *digits; digits++) {
        if (*digits < '0' || *digits > '9')
            goto bad;
        port = port * 10 + (unsigned long)(*digits - '0');
        if (port > USHRT_MAX)
            goto bad;
    }
    memset(host, 0, sizeof host);
    memcpy(host, from, (size_t)(to - from));
    made[0] = (unsigned char)tag;
    made[1] = (unsigned char)(port / 256);
    made[2] = (unsigned char)(port % 256);
    if (inet_pton(tag == 4 ? AF_INET : AF_INET6, host, made + 3) != 1)
        goto bad;
    if (size < length_for(tag)) {
        errno = EMSGSIZE;
        return -1;
    }
    memcpy(record, made, length_for(tag));
    return (ssize_t)length_for(tag);
bad:
    errno = EINVAL;
    return -1;
}

int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size)
{
    const char *p = (const char *)record;
    char host[INET6_ADDRSTRLEN];
    uint16_t port;
    int n;

    if (p == NULL || (text == NULL && size > 0) || len == 0 || len != length_for(p[0])) {
        errno = EINVAL;
        return -1;
    }
    port = (uint16_t)(p[1] << 8 | p[2]);
    if (!inet_ntop(p[0] == 4 ? AF_INET : AF_INET6, p + 3, host, sizeof host))
        return -1;
    n = snprintf(text, size, p[0] == 4 ? "%s:%hu" : "[%s]:%hu", host, port);
    if (n < 0 || (size_t)n >= size) {
        errno = EMSGSIZE;
        return -1;
    }
    return 0;
}
