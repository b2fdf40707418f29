/*
 * expect: fail
 * gap: addrinfo-leak
 * cause: The early return for a text that is too small skips freeaddrinfo(): each such call leaves a list behind.
 * shows: The caller's text is too small.
 */
#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int format(const struct addrinfo *p, char *line, size_t size)
{
    char name[INET6_ADDRSTRLEN];
    const void *address;
    unsigned port;

    if (p->ai_family == AF_INET) {
        address = &((const struct sockaddr_in *)p->ai_addr)->sin_addr;
        port = ntohs(((const struct sockaddr_in *)p->ai_addr)->sin_port);
    } else if (p->ai_family == AF_INET6) {
        address = &((const struct sockaddr_in6 *)p->ai_addr)->sin6_addr;
        port = ntohs(((const struct sockaddr_in6 *)p->ai_addr)->sin6_port);
    } else {
        return 0;
    }
    inet_ntop(p->ai_family, address, name, sizeof name);
    return snprintf(line, size, p->ai_family == AF_INET ? "%s:%u\n" : "[%s]:%u\n", name, port);
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = host == NULL ? AI_PASSIVE : 0,
    };
    struct addrinfo *list, *p;
    char line[INET6_ADDRSTRLEN + 16];
    size_t used = 0;
    int rc, n;

    if (service == NULL || (text == NULL && size != 0)) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0)
        return rc;
    for (p = list; p != NULL; p = p->ai_next) {
        int twice = 0;
        n = format(p, line, sizeof line);
        for (size_t at = 0; at < used && n > 0; at++)
            if ((at == 0 || text[at - 1] == '\n') && used - at >= (size_t)n && !memcmp(text + at, line, (size_t)n))
                twice = 1;
        if (twice || n <= 0)
            continue;
        if (used + (size_t)n >= size) {
            errno = EMSGSIZE;
            return EAI_SYSTEM;
        }
        memcpy(text + used, line, (size_t)n);
        used += (size_t)n;
    }
    freeaddrinfo(list);
    if (used >= size) {
        errno = EMSGSIZE;
        return EAI_SYSTEM;
    }
    text[used] = '\0';
    return 0;
}
