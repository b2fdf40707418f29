/*
 * expect: fail
 * gap: unchecked-conversion
 * cause: getaddrinfo() with AI_NUMERICHOST reads more than inet_pton(): 127.1, 0x7f000001 and zones such as fe80::1%lo pass.
 * shows: An IPv4 address in fewer than four parts, or IPv6 with a zone.
 */
#include "endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size)
{
    struct addrinfo hints = { 0 }, *found;
    char host[64];
    const char *colon;
    size_t n;
    unsigned port = 0;
    ssize_t length = -1;

    if (!text || (!record && size) || !(colon = strrchr(text, ':')) || !colon[1]) {
        errno = EINVAL;
        return -1;
    }
    for (const char *p = colon + 1; *p; p++) {
        if (*p < '0' || *p > '9' || (port = port * 10 + (unsigned)(*p - '0')) > 65535) {
            errno = EINVAL;
            return -1;
        }
    }
    n = (size_t)(colon - text);
    hints.ai_family = AF_INET;
    if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
        hints.ai_family = AF_INET6;
        text++;
        n -= 2;
    }
    if (n == 0 || n >= sizeof host) {
        errno = EINVAL;
        return -1;
    }
    memcpy(host, text, n);
    host[n] = '\0';
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST;
    if (getaddrinfo(host, NULL, &hints, &found) != 0) {
        errno = EINVAL;
        return -1;
    }
    if (size < (found->ai_family == AF_INET ? 7u : 19u)) {
        freeaddrinfo(found);
        errno = EMSGSIZE;
        return -1;
    }
    if (found->ai_family == AF_INET) {
        memcpy(record + 3, &((struct sockaddr_in *)found->ai_addr)->sin_addr, 4);
        record[0] = 4;
        length = 7;
    } else {
        memcpy(record + 3, &((struct sockaddr_in6 *)found->ai_addr)->sin6_addr, 16);
        record[0] = 6;
        length = 19;
    }
    record[1] = (unsigned char)(port / 256);
    record[2] = (unsigned char)(port % 256);
    freeaddrinfo(found);
    return length;
}

int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN], line[64];
    unsigned port;

    if (!record || (!text && size) || len < 3 || len != (record[0] == 4 ? 7u : record[0] == 6 ? 19u : 0u)) {
        errno = EINVAL;
        return -1;
    }
    port = record[1] * 256u + record[2];
    if (record[0] == 4)
        sprintf(line, "%s:%u", inet_ntop(AF_INET, record + 3, host, sizeof host), port);
    else
        sprintf(line, "[%s]:%u", inet_ntop(AF_INET6, record + 3, host, sizeof host), port);
    if (strlen(line) + 1 > size) {
        errno = EMSGSIZE;
        return -1;
    }
    strcpy(text, line);
    return 0;
}
