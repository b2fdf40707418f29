/* Endpoints of protocol TCP; equal lines are found in the text itself. */

#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Whether line is one of the lines of text. */
static int has_line(const char *text, const char *line)
{
    const char *found = text;

    while ((found = strstr(found, line)) != NULL) {
        if (found == text || found[-1] == '\n')
            return 1;
        found++;
    }
    return 0;
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo *hints = &(struct addrinfo){ 0 }, *list, *next;
    char *end = text, line[80], number[INET6_ADDRSTRLEN];
    int result;

    if (text == NULL)
        goto no_buffer;
    if (size == 0)
        goto too_small;
    *end = '\0';
    hints->ai_family = AF_UNSPEC;
    hints->ai_protocol = IPPROTO_TCP;
    if (host == NULL)
        hints->ai_flags |= AI_PASSIVE;
    if ((result = getaddrinfo(host, service, hints, &list)))
        return result;
    for (next = list; next; next = next->ai_next) {
        void *address;
        in_port_t port;

        switch (next->ai_family) {
        case AF_INET:
            address = &((struct sockaddr_in *)next->ai_addr)->sin_addr;
            port = ((struct sockaddr_in *)next->ai_addr)->sin_port;
            sprintf(line, "%s:%d\n", inet_ntop(AF_INET, address, number, sizeof number), ntohs(port));
            break;
        case AF_INET6:
            address = &((struct sockaddr_in6 *)next->ai_addr)->sin6_addr;
            port = ((struct sockaddr_in6 *)next->ai_addr)->sin6_port;
            sprintf(line, "[%s]:%d\n", inet_ntop(AF_INET6, address, number, sizeof number), ntohs(port));
            break;
        default:
            continue;
        }
        if (has_line(text, line))
            continue;
        if (strlen(line) + 1 > size - (size_t)(end - text)) {
            freeaddrinfo(list);
            goto too_small;
        }
        end = stpcpy(end, line);
    }
    freeaddrinfo(list);
    return 0;
no_buffer:
    errno = EINVAL;
    return EAI_SYSTEM;
too_small:
    errno = EMSGSIZE;
    return EAI_SYSTEM;
}
