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
    char *whole = NULL;
    size_t length = 0;
    FILE *stream;
    int code;

    if (text == NULL && size > 0) {
        errno = EINVAL;
        return EAI_SYSTEM;
    }
    stream = open_memstream(&whole, &length);
    if (stream == NULL)
        return EAI_MEMORY;
    code = getaddrinfo(host, service, &hints, &list);
    if (code != 0) {
        int error = errno;

        fclose(stream);
        free(whole);
        errno = error;
        return code;
    }
    for (a = list; a != NULL && code == 0; a = a->ai_next) {
        char address[NI_MAXHOST], port[NI_MAXSERV];
        const char *form = a->ai_family == AF_INET6 ? "[%s]:%s\n" : "%s:%s\n";

        for (b = list; b != a; b = b->ai_next)
            if (a->ai_addrlen == b->ai_addrlen && !memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen))
                break;
        if (b != a)
            continue;
        code = getnameinfo(a->ai_addr, a->ai_addrlen, address, sizeof address,
                           port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
        if (code == 0)
            fprintf(stream, form, address, port);
    }
    freeaddrinfo(list);
    fclose(stream);
    if (code == 0 && length < size) {
        memcpy(text, whole, length + 1);
    } else if (code == 0) {
        errno = EMSGSIZE;
        code = EAI_SYSTEM;
    }
    free(whole);
    return code;
}
