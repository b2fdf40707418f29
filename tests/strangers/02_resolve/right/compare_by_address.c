/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const struct family {
    int family;
    size_t address, port, length;
    const char *form;
} families[] = {
    { AF_INET, offsetof(struct sockaddr_in, sin_addr), offsetof(struct sockaddr_in, sin_port), 4, "%s:%u\n" },
    { AF_INET6, offsetof(struct sockaddr_in6, sin6_addr), offsetof(struct sockaddr_in6, sin6_port), 16, "[%s]:%u\n" },
    { 0, 0, 0, 0, NULL },
};

static const struct family *of(const struct addrinfo *ai)
{
    const struct family *f = families;

    while (f->form && f->family != ai->ai_family)
        f++;
    return f->form ? f : NULL;
}

static int equal(const struct addrinfo *a, const struct addrinfo *b, const struct family *f)
{
    const char *x = (const char *)a->ai_addr, *y = (const char *)b->ai_addr;

    return a->ai_family == b->ai_family && memcmp(x + f->port, y + f->port, 2) == 0 &&
           memcmp(x + f->address, y + f->address, f->length) == 0;
}

static int write_lines(const struct addrinfo *list, char *text, size_t size)
{
    size_t used = 0;

    for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
        const struct family *f = of(ai);
        const struct addrinfo *b = list;
        char host[INET6_ADDRSTRLEN];
        in_port_t port;
        int n;

        if (!f)
            continue;
        while (b != ai && !equal(b, ai, f))
            b = b->ai_next;
        if (b != ai)
            continue;
        memcpy(&port, (const char *)ai->ai_addr + f->port, sizeof port);
        inet_ntop(f->family, (const char *)ai->ai_addr + f->address, host, sizeof host);
        n = snprintf(text + used, size - used, f->form, host, (unsigned)ntohs(port));
        if (n < 0 || (size_t)n >= size - used)
            return EMSGSIZE;
        used += (size_t)n;
    }
    return 0;
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints, *list;
    int rc, error;

    if (!service || (!text && size)) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    if (size == 0) {
        errno = EMSGSIZE;
        return EAI_SYSTEM;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;
    hints.ai_flags = host ? 0 : AI_PASSIVE;
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc)
        return rc;
    text[0] = '\0';
    error = write_lines(list, text, size);
    freeaddrinfo(list);
    if (error) {
        errno = error;
        return EAI_SYSTEM;
    }
    return 0;
}
