/* Endpoints byte by byte: no htons(), no strtol(), one exit for each error. */

#include "endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size)
{
    char host[64] = "";
    unsigned char whole[19];
    unsigned long port = 0;
    size_t n = 0;
    const char *p = text;
    int is_six = *p == '[';
    char stop = is_six ? ']' : ':';

    if (record == NULL && size > 0)
        goto invalid;
    for (p += is_six; *p != stop; p++) {
        if (*p == '\0' || n == sizeof host - 1)
            goto invalid;
        host[n++] = *p;
    }
    p += is_six;
    if (*p++ != ':' || *p == '\0')
        goto invalid;
    for (; *p != '\0'; p++) {
        if (*p < '0' || *p > '9')
            goto invalid;
        port = port * 10 + (unsigned long)(*p - '0');
        if (port > 65535)
            goto invalid;
    }
    whole[0] = is_six ? 6 : 4;
    whole[1] = (unsigned char)(port >> 8);
    whole[2] = (unsigned char)(port & 0xff);
    if (inet_pton(is_six ? AF_INET6 : AF_INET, host, whole + 3) <= 0)
        goto invalid;
    n = is_six ? 19 : 7;
    if (n > size) {
        errno = EMSGSIZE;
        return -1;
    }
    memcpy(record, whole, n);
    return (ssize_t)n;
invalid:
    errno = EINVAL;
    return -1;
}

int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size)
{
    char host[64], whole[80];
    unsigned int port;
    int is_six;

    is_six = len == 19;
    if (record == NULL || (text == NULL && size > 0) || (!is_six && len != 7))
        goto invalid;
    if (record[0] != (is_six ? 6 : 4))
        goto invalid;
    port = (unsigned int)record[1] << 8 | record[2];
    inet_ntop(is_six ? AF_INET6 : AF_INET, record + 3, host, sizeof host);
    sprintf(whole, is_six ? "[%s]:%u" : "%s:%u", host, port);
    if (strlen(whole) + 1 > size) {
        errno = EMSGSIZE;
        return -1;
    }
    strcpy(text, whole);
    return 0;
invalid:
    errno = EINVAL;
    return -1;
}
