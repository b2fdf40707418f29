/*
 * expect: fail
 * gap: other
 * cause: AI_NUMERICSERV is set, with which getaddrinfo() takes only numbers; a service is text and may be a name.
 * shows: A service by its name, such as http.
 * says: AI_NUMERICSERV
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int seen(struct addrinfo *first, struct addrinfo *here)
{
    for (; first != here; first = first->ai_next)
        if (first->ai_addrlen == here->ai_addrlen && memcmp(first->ai_addr, here->ai_addr, here->ai_addrlen) == 0)
            return 1;
    return 0;
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints = { 0 }, *all = NULL;
    size_t used = 0;
    int code;

    if ((text == NULL && size != 0) || service == NULL) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    if (size == 0) {
        errno = EMSGSIZE;
        return EAI_SYSTEM;
    }
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    if (host == NULL)
        hints.ai_flags |= AI_PASSIVE;
    code = getaddrinfo(host, service, &hints, &all);
    if (code != 0)
        return code;

    text[0] = '\0';
    for (struct addrinfo *p = all; p != NULL; p = p->ai_next) {
        char address[INET6_ADDRSTRLEN], line[80];
        const void *raw;
        unsigned port;
        int n;

        if (p->ai_family == AF_INET) {
            struct sockaddr_in *v4 = (struct sockaddr_in *)p->ai_addr;
            raw = &v4->sin_addr;
            port = ntohs(v4->sin_port);
        } else if (p->ai_family == AF_INET6) {
            struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)p->ai_addr;
            raw = &v6->sin6_addr;
            port = ntohs(v6->sin6_port);
        } else {
            continue;
        }
        if (seen(all, p))
            continue;
        inet_ntop(p->ai_family, raw, address, sizeof address);
        n = snprintf(line, sizeof line, p->ai_family == AF_INET ? "%s:%u\n" : "[%s]:%u\n", address, port);
        if (used + (size_t)n + 1 > size) {
            freeaddrinfo(all);
            errno = EMSGSIZE;
            return EAI_SYSTEM;
        }
        memcpy(text + used, line, (size_t)n + 1);
        used += (size_t)n;
    }
    freeaddrinfo(all);
    return 0;
}
