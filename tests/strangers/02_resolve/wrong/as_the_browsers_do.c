/*
 * expect: fail
 * gap: other
 * cause: AI_ADDRCONFIG stands among the flags out of habit ("only addresses that can be reached"), and drops a whole family where the machine has no address of it besides loopback.
 * shows: on a machine that has no IPv6 address but ::1: the IPv6 endpoints of every name are missing.
 * says: getaddrinfo(AI_ADDRCONFIG) leaves out all IPv6 addresses where the machine itself has none but loopback
 */
#include "resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int repeated(const struct addrinfo *list, const struct addrinfo *one)
{
    for (const struct addrinfo *ai = list; ai != one; ai = ai->ai_next)
        if (ai->ai_addrlen == one->ai_addrlen && !memcmp(ai->ai_addr, one->ai_addr, one->ai_addrlen))
            return 1;
    return 0;
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_ADDRCONFIG | AI_V4MAPPED | AI_PASSIVE };
    struct addrinfo *list;
    size_t used = 0;
    int code, error = 0;

    if (!text && size) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    if ((code = getaddrinfo(host, service, &hints, &list)) != 0)
        return code;
    for (struct addrinfo *ai = list; ai && !error; ai = ai->ai_next) {
        char name[NI_MAXHOST], port[NI_MAXSERV], *zone;
        const char *shape = ai->ai_family == AF_INET6 ? "[%s]:%s\n" : "%s:%s\n";
        int n;

        if (repeated(list, ai))
            continue;
        code = getnameinfo(ai->ai_addr, ai->ai_addrlen, name, sizeof name, port, sizeof port,
                           NI_NUMERICHOST | NI_NUMERICSERV);
        if (code) {
            freeaddrinfo(list);
            return code;
        }
        if ((zone = strchr(name, '%')))
            *zone = '\0';
        n = snprintf(size ? text + used : NULL, size ? size - used : 0, shape, name, port);
        if (n < 0 || (size_t)n >= size - used)
            error = EMSGSIZE;
        used += (size_t)n;
    }
    if (!error && used >= size)
        error = EMSGSIZE;
    freeaddrinfo(list);
    errno = error;
    return error ? EAI_SYSTEM : 0;
}
