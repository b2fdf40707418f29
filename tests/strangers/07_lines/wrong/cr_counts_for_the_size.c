/*
 * expect: fail
 * gap: other
 * cause: The length is compared with the caller's size before the CR of the ending is taken off: a line that just fits is refused when it ends in CRLF.
 * shows: A line of exactly size bytes (or 1,024) that ends in CRLF.
 * says: returned -1 with EMSGSIZE; expected 1024 bytes
 */
#include "lines.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_LINE 1024

void line_reader_init(struct line_reader *r, int fd)
{
    r->fd = fd;
    r->start = 0;
    r->end = 0;
}

static int fill(struct line_reader *r)
{
    ssize_t n;

    if (r->start > 0) {
        memmove(r->data, r->data + r->start, r->end - r->start);
        r->end -= r->start;
        r->start = 0;
    }
    do {
        n = recv(r->fd, r->data + r->end, sizeof r->data - r->end, 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0)
        r->end += (size_t)n;
    return n < 0 ? -1 : n > 0;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    size_t i = 0, n;
    int rc;

    if (r == NULL || (line == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    if (size > MAX_LINE)
        size = MAX_LINE;
    for (;;) {
        for (; i < r->end - r->start; i++) {
            if (r->data[r->start + i] == '\n') {
                n = i;
                if (n > size)
                    goto too_long;
                if (n > 0 && r->data[r->start + n - 1] == '\r')
                    n--;
                if (n > 0)
                    memcpy(line, r->data + r->start, n);
                r->start += i + 1;
                return (ssize_t)n;
            }
        }
        if (i > size + 1 || (i == size + 1 && r->data[r->start + size] != '\r'))
            goto too_long;
        rc = fill(r);
        if (rc < 0)
            return -1;
        if (rc == 0) {
            if (i == 0)
                return -2;
            if (i > size)
                goto too_long;
            memcpy(line, r->data + r->start, i);
            r->start = r->end;
            return (ssize_t)i;
        }
    }
too_long:
    errno = EMSGSIZE;
    return -1;
}
