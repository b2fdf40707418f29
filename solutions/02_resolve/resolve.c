/* Names to endpoints: every address that a service can be reached at, once. */

#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Whether an earlier entry of the list has the address of a. */
static int seen_before(const struct addrinfo *list, const struct addrinfo *a)
{
    for (; list != a; list = list->ai_next)
        if (list->ai_addrlen == a->ai_addrlen &&
            memcmp(list->ai_addr, a->ai_addr, a->ai_addrlen) == 0)
            return 1;
    return 0;
}

/* Put an endpoint behind the lines of text.  Returns whether it fits. */
static int append_line(char *text, size_t size, const struct sockaddr *address)
{
    char host[INET6_ADDRSTRLEN], line[sizeof "[]:65535\n" + sizeof host];

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;

        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        snprintf(line, sizeof line, "[%s]:%u\n", host, ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;

        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(line, sizeof line, "%s:%u\n", host, ntohs(four->sin_port));
    }
    if (strlen(text) + strlen(line) >= size)
        return 0;
    strcat(text, line);
    return 1;
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints, *list, *a;
    int error, fits = 1;

    if (text == NULL || size == 0) {
        errno = size == 0 ? EMSGSIZE : EINVAL;
        return EAI_SYSTEM;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;        /* no host: addresses to listen on */
    error = getaddrinfo(host, service, &hints, &list);
    if (error != 0)
        return error;

    text[0] = '\0';
    for (a = list; a != NULL && fits; a = a->ai_next)
        if (!seen_before(list, a))
            fits = append_line(text, size, a->ai_addr);
    freeaddrinfo(list);
    if (!fits) {
        errno = EMSGSIZE;
        return EAI_SYSTEM;
    }
    return 0;
}
