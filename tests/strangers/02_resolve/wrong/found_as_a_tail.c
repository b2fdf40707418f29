/*
 * expect: fail
 * gap: other
 * cause: Duplicates are looked for with strstr() in the text so far, which also finds an endpoint that is only the tail of an earlier line.
 * shows: 10.0.0.1 comes after 110.0.0.1 (or 1.2.3.4 after 101.2.3.4): it is left out.
 * says: is left out
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int line_for(const struct sockaddr *sa, char *line, size_t room)
{
    char host[INET6_ADDRSTRLEN];

    switch (sa->sa_family) {
    case AF_INET: {
        struct sockaddr_in in;
        memcpy(&in, sa, sizeof in);
        inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
        snprintf(line, room, "%s:%d\n", host, ntohs(in.sin_port));
        return 1;
    }
    case AF_INET6: {
        struct sockaddr_in6 in6;
        memcpy(&in6, sa, sizeof in6);
        inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
        snprintf(line, room, "[%s]:%d\n", host, ntohs(in6.sin6_port));
        return 1;
    }
    default:
        return 0;
    }
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints, *res, *p;
    char line[64];
    int rv, full = 0;

    if (text == NULL && size > 0) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    if (host == NULL)
        hints.ai_flags = AI_PASSIVE;
    if ((rv = getaddrinfo(host, service, &hints, &res)) != 0)
        return rv;

    if (size > 0)
        text[0] = '\0';
    else
        full = 1;
    for (p = res; p != NULL && !full; p = p->ai_next) {
        if (!line_for(p->ai_addr, line, sizeof line))
            continue;
        if (strstr(text, line) != NULL)
            continue; /* a duplicate */
        if (strlen(text) + strlen(line) + 1 > size)
            full = 1;
        else
            strcat(text, line);
    }
    freeaddrinfo(res);
    if (full) {
        errno = EMSGSIZE;
        return EAI_SYSTEM;
    }
    return 0;
}
