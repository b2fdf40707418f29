/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#define _GNU_SOURCE
#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool same(const struct addrinfo *a, const struct addrinfo *b)
{
    if (a->ai_family != b->ai_family)
        return false;
    if (a->ai_family == AF_INET) {
        const struct sockaddr_in *x = (void *)a->ai_addr, *y = (void *)b->ai_addr;
        return x->sin_port == y->sin_port && x->sin_addr.s_addr == y->sin_addr.s_addr;
    }
    const struct sockaddr_in6 *x = (void *)a->ai_addr, *y = (void *)b->ai_addr;
    return x->sin6_port == y->sin6_port && !memcmp(&x->sin6_addr, &y->sin6_addr, sizeof x->sin6_addr);
}

static void write_one(FILE *out, const struct addrinfo *ai)
{
    char host[INET6_ADDRSTRLEN];

    if (ai->ai_family == AF_INET) {
        const struct sockaddr_in *in = (void *)ai->ai_addr;
        fprintf(out, "%s:%u\n", inet_ntop(AF_INET, &in->sin_addr, host, sizeof host), ntohs(in->sin_port));
    } else {
        const struct sockaddr_in6 *in = (void *)ai->ai_addr;
        fprintf(out, "[%s]:%u\n", inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host), ntohs(in->sin6_port));
    }
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = host ? 0 : AI_PASSIVE };
    struct addrinfo *list = NULL, *ai, *before;
    char *made = NULL;
    size_t length = 0;
    FILE *out;
    int rc, error = 0;

    if (!service || (!text && size)) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    rc = getaddrinfo(host, service, &hints, &list);
    if (rc)
        return rc;
    out = open_memstream(&made, &length);
    if (!out) {
        error = errno;
        freeaddrinfo(list);
        errno = error;
        return EAI_SYSTEM;
    }
    for (ai = list; ai; ai = ai->ai_next) {
        if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
            continue;
        for (before = list; before != ai && !same(before, ai); before = before->ai_next)
            ;
        if (before == ai)
            write_one(out, ai);
    }
    if (ferror(out))
        error = ENOMEM;
    if (fclose(out) && !error)
        error = errno ? errno : ENOMEM;
    if (!error && length + 1 > size)
        error = EMSGSIZE;
    if (!error)
        memcpy(text, made, length + 1);
    free(made);
    freeaddrinfo(list);
    if (error) {
        errno = error;
        return EAI_SYSTEM;
    }
    return 0;
}
