/* Network endpoints as text and as bytes: what people write, what a record holds. */

#include "endpoints.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Set errno.  Returns -1. */
static int fail(int error)
{
    errno = error;
    return -1;
}

/* Read a port: decimal digits alone, at most 65535.  Returns it, or -1. */
static long parse_port(const char *text)
{
    char *end;
    long port = strtol(text, &end, 10);

    /* strtol() alone would also take " 80", "+80", "80 or so" and "". */
    if (!isdigit((unsigned char)*text) || *end != '\0' || port > UINT16_MAX)
        return -1;
    return port;
}

ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    unsigned char address[sizeof(struct in6_addr)];
    const char *colon = strrchr(text, ':');
    size_t length, address_size = sizeof(struct in_addr);
    int family = AF_INET;
    long number;
    uint16_t port;

    if (colon == NULL || (record == NULL && size > 0))
        return fail(EINVAL);
    number = parse_port(colon + 1);
    if (number == -1)
        return fail(EINVAL);
    port = htons((uint16_t)number);

    length = (size_t)(colon - text);
    if (text[0] == '[' && colon[-1] == ']') {
        family = AF_INET6;
        address_size = sizeof(struct in6_addr);
        text += 1;
        length -= 2;
    }
    if (length >= sizeof host)
        return fail(EINVAL);
    memcpy(host, text, length);
    host[length] = '\0';
    if (inet_pton(family, host, address) != 1)
        return fail(EINVAL);

    if (size < 3 + address_size)
        return fail(EMSGSIZE);
    record[0] = family == AF_INET ? 4 : 6;
    memcpy(record + 1, &port, sizeof port);
    memcpy(record + 3, address, address_size);
    return (ssize_t)(3 + address_size);
}

int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN];
    const char *form;
    int family, length;
    uint16_t port;

    if (record == NULL || (text == NULL && size > 0))
        return fail(EINVAL);
    if (len == 7 && record[0] == 4) {
        family = AF_INET;
        form = "%s:%u";
    } else if (len == 19 && record[0] == 6) {
        family = AF_INET6;
        form = "[%s]:%u";
    } else {
        return fail(EINVAL);
    }
    memcpy(&port, record + 1, sizeof port);
    inet_ntop(family, record + 3, address, sizeof address);
    length = snprintf(text, size, form, address, ntohs(port));
    if ((size_t)length >= size)
        return fail(EMSGSIZE);
    return 0;
}
