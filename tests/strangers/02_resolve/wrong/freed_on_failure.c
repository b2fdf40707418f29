/*
 * expect: fail
 * gap: other
 * cause: freeaddrinfo() is called on every path, also when getaddrinfo() has failed and the pointer was never set.
 * shows: A name that does not resolve: the process crashes (or frees somebody else's memory).
 * says: freeaddrinfo() used a pointer that was never set
 */
#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void endpoint(const struct addrinfo *ai, char *out, size_t room)
{
    char host[INET6_ADDRSTRLEN];

    if (ai->ai_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)ai->ai_addr;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(out, room, "%s:%u\n", host, ntohs(in->sin_port));
    } else {
        const struct sockaddr_in6 *in6 = (const void *)ai->ai_addr;
        inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof host);
        snprintf(out, room, "[%s]:%u\n", host, ntohs(in6->sin6_port));
    }
}

static int listed(const char *text, const char *line)
{
    size_t n = strlen(line);

    for (; *text; text = strchr(text, '\n') + 1)
        if (strncmp(text, line, n) == 0)
            return 1;
    return 0;
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints, *list, *ai;
    char line[INET6_ADDRSTRLEN + 16];
    size_t used = 0;
    int rc, saved;

    if (!text && size) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if (!host)
        hints.ai_flags = AI_PASSIVE;

    rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0)
        goto out;
    if (size == 0) {
        rc = EAI_SYSTEM;
        errno = EMSGSIZE;
        goto out;
    }
    text[0] = '\0';
    for (ai = list; ai; ai = ai->ai_next) {
        if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
            continue;
        endpoint(ai, line, sizeof line);
        if (listed(text, line))
            continue;
        if (used + strlen(line) >= size) {
            rc = EAI_SYSTEM;
            errno = EMSGSIZE;
            goto out;
        }
        strcpy(text + used, line);
        used += strlen(line);
    }
out:
    saved = errno;
    freeaddrinfo(list);
    errno = saved;
    return rc;
}
