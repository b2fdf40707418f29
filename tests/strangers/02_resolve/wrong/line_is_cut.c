/*
 * expect: fail
 * gap: other
 * cause: The line has room for INET6_ADDRSTRLEN characters, the address alone; brackets, port and newline of a long IPv6 address are cut off by snprintf().
 * shows: An IPv6 address of 39 characters with a port of five digits.
 * says: whose last line has no newline
 */
#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#pragma GCC diagnostic ignored "-Wformat-truncation"

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints, *list, *ai;
    size_t used = 0;
    int rc, result = 0;

    if (service == NULL || (text == NULL && size > 0)) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = host == NULL ? AI_PASSIVE : 0;
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0)
        return rc;
    for (ai = list; ai != NULL && result == 0; ai = ai->ai_next) {
        char address[INET6_ADDRSTRLEN], line[INET6_ADDRSTRLEN];
        size_t n, at;

        if (ai->ai_family == AF_INET) {
            struct sockaddr_in sin;
            memcpy(&sin, ai->ai_addr, sizeof sin);
            inet_ntop(AF_INET, &sin.sin_addr, address, sizeof address);
            snprintf(line, sizeof line, "%s:%u\n", address, ntohs(sin.sin_port));
        } else if (ai->ai_family == AF_INET6) {
            struct sockaddr_in6 sin6;
            memcpy(&sin6, ai->ai_addr, sizeof sin6);
            inet_ntop(AF_INET6, &sin6.sin6_addr, address, sizeof address);
            snprintf(line, sizeof line, "[%s]:%u\n", address, ntohs(sin6.sin6_port));
        } else {
            continue;
        }
        n = strlen(line);
        for (at = 0; at < used; at += strcspn(text + at, "\n") + 1)
            if (strncmp(text + at, line, n) == 0)
                break;
        if (at < used)
            continue;
        if (used + n >= size) {
            errno = EMSGSIZE;
            result = EAI_SYSTEM;
        } else {
            memcpy(text + used, line, n + 1);
            used += n;
        }
    }
    freeaddrinfo(list);
    return result;
}
