/*
 * expect: fail
 * gap: other
 * cause: The length is put together from plain chars, which have a sign here: a byte of 128 or more is negative and spoils the sum.
 * shows: A message whose length has a byte of 128 or more, 200 bytes say.
 * says: the length 00 00 80 e8 has come, which is 33000
 */
#include "messages.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define MAXLEN 65536

static int read_full(int fd, char *buf, size_t n, size_t *got)
{
    for (*got = 0; *got < n;) {
        ssize_t r = recv(fd, buf + *got, n - *got, 0);
        if (r == 0)
            return 0;
        if (r > 0)
            *got += (size_t)r;
        else if (errno != EINTR)
            return -1;
    }
    return 1;
}

int send_message(int fd, const void *payload, size_t len)
{
    char header[4] = { (char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len };
    const char *parts[2] = { header, payload };
    size_t sizes[2] = { 4, len };

    if (len > MAXLEN || (!payload && len)) {
        errno = EINVAL;
        return -1;
    }
    for (int i = 0; i < 2; i++) {
        while (sizes[i]) {
            ssize_t n = send(fd, parts[i], sizes[i], MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return -1;
            parts[i] += n;
            sizes[i] -= (size_t)n;
        }
    }
    return 0;
}

int recv_message(int fd, void *payload, size_t size, size_t *len)
{
    char header[4];
    size_t got, length;
    int rc;

    if (!len || (!payload && size)) {
        errno = EINVAL;
        return -1;
    }
    rc = read_full(fd, header, sizeof header, &got);
    if (rc < 0 || (rc == 0 && got == 0))
        return rc;
    if (rc == 0)
        goto cut;
    length = (size_t)(header[0] << 24 | header[1] << 16 | header[2] << 8 | header[3]);
    if (length > MAXLEN || length > size) {
        errno = EMSGSIZE;
        return -1;
    }
    rc = read_full(fd, payload, length, &got);
    if (rc < 0)
        return -1;
    if (rc == 0)
        goto cut;
    *len = length;
    return 1;
cut:
    errno = ECONNRESET;
    return -1;
}
