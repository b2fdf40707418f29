/* Names to endpoints: every address that a service can be reached at, once. */

#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Put an endpoint behind the lines of text. */
static int append_line(char *text, size_t size, const struct sockaddr *address)
{
    char host[INET6_ADDRSTRLEN], line[sizeof "[]:65535\n" + sizeof host];

    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;

        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof host);
        snprintf(line, sizeof line, "%s:%u\n", host, ntohs(six->sin6_port));
    } else {
        const struct sockaddr_in *four = (const struct sockaddr_in *)address;

        inet_ntop(AF_INET, &four->sin_addr, host, sizeof host);
        snprintf(line, sizeof line, "%s:%u\n", host, ntohs(four->sin_port));
    }
    strncat(text, line, size - strlen(text) - 1);
    return 1;
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints, *list, *a;
    int error, fits = 1;

    if (size == 0) {
        errno = EMSGSIZE;
        return EAI_SYSTEM;
    }
    error = getaddrinfo(host, service, &hints, &list);
    if (error != 0)
        return -1;

    text[0] = '\0';
    a = list;
    if (a != NULL)
        fits = append_line(text, size, a->ai_addr);
    if (!fits) {
        errno = EMSGSIZE;
        return EAI_SYSTEM;
    }
    return 0;
}
