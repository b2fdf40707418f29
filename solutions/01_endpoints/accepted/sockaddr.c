/* Endpoints by way of socket addresses, as the kernel has them. */

#include "endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Read text into an address of one family or the other.  Returns its family, or 0. */
static int parse(const char *text, struct sockaddr_in *four, struct sockaddr_in6 *six)
{
    const char *port = strrchr(text, ':');
    char *host;
    size_t length;
    int family = 0;

    if (port == NULL || strspn(port + 1, "0123456789") != strlen(port + 1) || port[1] == '\0')
        return 0;
    if (strlen(port + 1) > 5 || atoi(port + 1) > 65535)
        return 0;
    host = strndup(text, (size_t)(port - text));
    if (host == NULL)
        return 0;
    length = strlen(host);
    four->sin_port = six->sin6_port = htons((in_port_t)atoi(port + 1));
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        family = AF_INET;
    } else if (host[0] == '[' && host[length - 1] == ']') {
        host[length - 1] = '\0';
        if (inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1)
            family = AF_INET6;
    }
    free(host);
    return family;
}

ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size)
{
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    const int family = parse(text, &four, &six);
    const size_t need = family == AF_INET ? 1 + 2 + 4 : 1 + 2 + 16;

    if ((record == NULL && size > 0) || family == 0) {
        errno = EINVAL;
        return -1;
    }
    if (size < need) {
        errno = EMSGSIZE;
        return -1;
    }
    if (family == AF_INET) {
        record[0] = 4;
        memcpy(&record[1], &four.sin_port, sizeof four.sin_port);
        memcpy(&record[3], &four.sin_addr, sizeof four.sin_addr);
    } else {
        record[0] = 6;
        memcpy(&record[1], &six.sin6_port, sizeof six.sin6_port);
        memcpy(&record[3], &six.sin6_addr, sizeof six.sin6_addr);
    }
    return (ssize_t)need;
}

int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } address;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    const int numbers = NI_NUMERICHOST | NI_NUMERICSERV;
    const socklen_t length = len == 7 ? sizeof address.four : sizeof address.six;

    if (record == NULL || (text == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    memset(&address, 0, sizeof address);
    if (len == 7 && record[0] == 4) {
        address.four.sin_family = AF_INET;
        memcpy(&address.four.sin_port, record + 1, sizeof address.four.sin_port);
        memcpy(&address.four.sin_addr, record + 3, sizeof address.four.sin_addr);
    } else if (len == 19 && record[0] == 6) {
        address.six.sin6_family = AF_INET6;
        memcpy(&address.six.sin6_port, record + 1, sizeof address.six.sin6_port);
        memcpy(&address.six.sin6_addr, record + 3, sizeof address.six.sin6_addr);
    } /* any other record leaves the family 0, which getnameinfo() refuses */
    if (getnameinfo(&address.any, length, host, sizeof host, port, sizeof port, numbers) != 0) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(host) + strlen(port) + (length == sizeof address.four ? 2 : 4) > size) {
        errno = EMSGSIZE;
        return -1;
    }
    sprintf(text, length == sizeof address.four ? "%s:%s" : "[%s]:%s", host, port);
    return 0;
}
