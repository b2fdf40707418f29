/*
 * expect: fail
 * gap: other
 * cause: The copy of the host has room for 39 characters, as many as eight groups need; an IPv6 address with a dotted end may have 45.
 * shows: An address such as 0000:0000:0000:0000:0000:ffff:192.168.100.228.
 * says: returned -1 with EINVAL; expected 19 bytes
 */
#include "endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define LONGEST 39 /* eight groups of four digits, seven colons */

ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size)
{
    char host[LONGEST + 1];
    unsigned char address[16];
    const char *end;
    unsigned long port = 0;
    int family = AF_INET;
    size_t length;

    if (text == NULL || (record == NULL && size > 0))
        goto bad;
    if (*text == '[') {
        family = AF_INET6;
        end = strchr(++text, ']');
        if (end == NULL || end[1] != ':')
            goto bad;
    } else if ((end = strchr(text, ':')) == NULL) {
        goto bad;
    }
    length = (size_t)(end - text);
    if (length > LONGEST)
        goto bad;
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(family, host, address) != 1)
        goto bad;
    end += family == AF_INET ? 1 : 2;
    if (*end == '\0')
        goto bad;
    for (; *end; end++) {
        if (*end < '0' || *end > '9' || (port = port * 10 + (unsigned long)(*end - '0')) > 65535)
            goto bad;
    }
    length = family == AF_INET ? 4 : 16;
    if (size < 3 + length) {
        errno = EMSGSIZE;
        return -1;
    }
    record[0] = family == AF_INET ? 4 : 6;
    record[1] = (unsigned char)(port >> 8);
    record[2] = (unsigned char)(port & 0xff);
    memcpy(record + 3, address, length);
    return (ssize_t)(3 + length);
bad:
    errno = EINVAL;
    return -1;
}

int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    int n;

    if (record == NULL || (text == NULL && size > 0) || len == 0 ||
        !((record[0] == 4 && len == 7) || (record[0] == 6 && len == 19))) {
        errno = EINVAL;
        return -1;
    }
    inet_ntop(record[0] == 4 ? AF_INET : AF_INET6, record + 3, host, sizeof host);
    n = snprintf(text, size, "%s%s%s:%d", len == 7 ? "" : "[", host, len == 7 ? "" : "]", (record[1] << 8) + record[2]);
    if (n < 0 || (size_t)n >= size) {
        errno = EMSGSIZE;
        return -1;
    }
    return 0;
}
