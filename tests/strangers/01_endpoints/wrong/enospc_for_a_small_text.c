/*
 * expect: fail
 * gap: other
 * cause: inet_ntop() writes straight into the caller's text and its own error, ENOSPC, is handed on when it does not fit; the contract says EMSGSIZE.
 * shows: A text buffer too small for the address alone.
 * says: returned -1 with ENOSPC; expected -1 with EMSGSIZE
 */
#include "endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size)
{
    char *copy, *colon, *host, *p;
    unsigned char address[16];
    long port = 0;
    int six, ok = 0;

    if (!text || (!record && size)) {
        errno = EINVAL;
        return -1;
    }
    host = copy = strdup(text);
    if (!copy)
        return -1;
    six = *copy == '[';
    colon = strrchr(copy, ':');
    if (colon && colon[1] && (!six || (colon > copy + 1 && colon[-1] == ']'))) {
        for (p = colon + 1; *p >= '0' && *p <= '9' && port <= 65535; p++)
            port = 10 * port + (*p - '0');
        ok = *p == '\0' && port <= 65535;
        *(six ? colon - 1 : colon) = '\0';
        ok = ok && inet_pton(six ? AF_INET6 : AF_INET, host + six, address) == 1;
    }
    free(copy);
    if (!ok) {
        errno = EINVAL;
        return -1;
    }
    if (size < (six ? 19 : 7)) {
        errno = EMSGSIZE;
        return -1;
    }
    record[0] = six ? 6 : 4;
    record[1] = (unsigned char)(port >> 8);
    record[2] = (unsigned char)port;
    memcpy(record + 3, address, six ? 16 : 4);
    return six ? 19 : 7;
}

int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size)
{
    size_t at;
    int n;

    if (!record || (!text && size) || !((len == 7 && *record == 4) || (len == 19 && *record == 6))) {
        errno = EINVAL;
        return -1;
    }
    if (size < 2) {
        errno = EMSGSIZE;
        return -1;
    }
    if (len == 7) {
        if (!inet_ntop(AF_INET, record + 3, text, (socklen_t)size))
            return -1;
        at = strlen(text);
        n = snprintf(text + at, size - at, ":%d", record[1] << 8 | record[2]);
    } else {
        text[0] = '[';
        if (!inet_ntop(AF_INET6, record + 3, text + 1, (socklen_t)size - 1))
            return -1;
        at = strlen(text);
        n = snprintf(text + at, size - at, "]:%d", record[1] << 8 | record[2]);
    }
    if (n < 0 || (size_t)n >= size - at) {
        errno = EMSGSIZE;
        return -1;
    }
    return 0;
}
