/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#include "endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct layout {
    unsigned char mark;
    int family;
    size_t address;
    const char *before, *after;
} layouts[] = {
    { 4, AF_INET, sizeof(struct in_addr), "", "" },
    { 6, AF_INET6, sizeof(struct in6_addr), "[", "]" },
};

static int fail(int why)
{
    errno = why;
    return -1;
}

ssize_t pack_endpoint(const char *text, unsigned char *record, size_t size)
{
    const struct layout *l = layouts;
    unsigned char address[16];
    char *copy, *host, *colon, *end;
    unsigned long port;
    uint16_t wire;
    int good = 0;

    if (text == NULL || (record == NULL && size != 0))
        return fail(EINVAL);
    if ((copy = strdup(text)) == NULL)
        return -1;
    host = copy;
    colon = strrchr(copy, ':');
    if (colon != NULL && colon[1] >= '0' && colon[1] <= '9') {
        *colon = '\0';
        errno = 0;
        port = strtoul(colon + 1, &end, 10);
        good = *end == '\0' && errno == 0 && port <= UINT16_MAX;
        if (*host == '[') {
            l++;
            host++;
            good = good && colon - host >= 1 && colon[-1] == ']';
            colon[-1] = '\0';
        }
        good = good && inet_pton(l->family, host, address) == 1;
    }
    free(copy);
    if (!good)
        return fail(EINVAL);
    if (size < 3 + l->address)
        return fail(EMSGSIZE);
    wire = htons((uint16_t)port);
    record[0] = l->mark;
    memcpy(record + 1, &wire, sizeof wire);
    memcpy(record + 3, address, l->address);
    return (ssize_t)(3 + l->address);
}

int unpack_endpoint(const unsigned char *record, size_t len, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN];
    uint16_t wire;

    if (record == NULL || (text == NULL && size != 0))
        return fail(EINVAL);
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        const struct layout *l = &layouts[i];
        int n;

        if (len != 3 + l->address || record[0] != l->mark)
            continue;
        memcpy(&wire, record + 1, sizeof wire);
        inet_ntop(l->family, record + 3, host, sizeof host);
        n = snprintf(text, size, "%s%s%s:%u", l->before, host, l->after, (unsigned)ntohs(wire));
        return n >= 0 && (size_t)n < size ? 0 : fail(EMSGSIZE);
    }
    return fail(EINVAL);
}
