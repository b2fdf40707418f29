/*
 * expect: fail
 * gap: addrinfo-leak
 * cause: The buffer turns out to be too small in the middle of the loop, and the function returns from there, past freeaddrinfo().
 * shows: A name whose endpoints do not fit into the caller's buffer: the list is lost, once a call.
 */
#include "resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>

static int caller_error(int code)
{
    errno = code;
    return EAI_SYSTEM;
}

/* Writes "address:port\n" and returns its length. */
static size_t print_endpoint(const struct sockaddr *sa, char *line, size_t room)
{
    char name[INET6_ADDRSTRLEN] = "";

    if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *a = (const struct sockaddr_in6 *)sa;
        inet_ntop(AF_INET6, &a->sin6_addr, name, sizeof name);
        return (size_t)snprintf(line, room, "[%s]:%d\n", name, ntohs(a->sin6_port));
    }
    const struct sockaddr_in *a = (const struct sockaddr_in *)sa;
    inet_ntop(AF_INET, &a->sin_addr, name, sizeof name);
    return (size_t)snprintf(line, room, "%s:%d\n", name, ntohs(a->sin_port));
}

static int already_there(const char *text, const char *line)
{
    for (const char *p = text; (p = strstr(p, line)) != NULL; p++)
        if (p == text || p[-1] == '\n')
            return 1;
    return 0;
}

int resolve(const char *host, const char *service, char *text, size_t size)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = host == NULL ? AI_PASSIVE : 0,
    };
    struct addrinfo *result;
    size_t used = 0;

    if (service == NULL || (text == NULL && size != 0))
        return caller_error(EINVAL);
    int status = getaddrinfo(host, service, &hints, &result);
    if (status != 0)
        return status;
    if (size > 0)
        text[0] = '\0';

    for (struct addrinfo *r = result; r != NULL; r = r->ai_next) {
        char line[INET6_ADDRSTRLEN + 12];
        size_t n;

        if (r->ai_family != AF_INET && r->ai_family != AF_INET6)
            continue;
        n = print_endpoint(r->ai_addr, line, sizeof line);
        if (used > 0 && already_there(text, line))
            continue;
        if (used + n + 1 > size)
            return caller_error(EMSGSIZE);
        memcpy(text + used, line, n + 1);
        used += n;
    }
    freeaddrinfo(result);
    return size > 0 ? 0 : caller_error(EMSGSIZE);
}
