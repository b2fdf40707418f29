/* Endpoints by getnameinfo(), collected in memory that grows. */

#include "resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int resolve(const char *host, const char *service, char *text, size_t size)
{
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list, *a, *b;
    char *whole;
    size_t length;
    FILE *stream;
    int code;

    if (text == NULL && size > 0) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    code = getaddrinfo(host, service, &hints, &list);
    if (code != 0)
        return code;
    stream = open_memstream(&whole, &length);
    if (stream == NULL) {
        freeaddrinfo(list);
        return EAI_MEMORY;
    }
    for (a = list; a != NULL; a = a->ai_next) {
        char address[NI_MAXHOST], port[NI_MAXSERV];
        const char *form = a->ai_family == AF_INET6 ? "[%s]:%s\n" : "%s:%s\n";

        /* The first with the address of a is a itself, or stands in the list already. */
        b = list;
        while (b->ai_addrlen != a->ai_addrlen || memcmp(b->ai_addr, a->ai_addr, a->ai_addrlen) != 0)
            b = b->ai_next;
        if (b != a)
            continue;
        getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof address,
                    port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        fprintf(stream, form, address, port);
    }
    freeaddrinfo(list);
    fclose(stream);
    if (length < size) {
        memcpy(text, whole, length + 1);
    } else {
        errno = EMSGSIZE;
        code = EAI_SYSTEM;
    }
    free(whole);
    return code;
}
