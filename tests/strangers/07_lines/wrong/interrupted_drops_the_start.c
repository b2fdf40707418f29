/*
 * expect: fail
 * gap: other
 * cause: After EINTR the reader begins anew with an empty buffer: the part of the line that had come before the signal is lost.
 * shows: A signal arrives when half a line has been received.
 * says: returned only the last 15 of 20 bytes
 */
#include "lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void line_reader_init(struct line_reader *r, int fd)
{
    r->fd = fd;
    r->start = r->end = 0;
}

static size_t compact(struct line_reader *r)
{
    size_t have = r->end - r->start;

    if (r->start > 0 && have > 0)
        memmove(r->data, r->data + r->start, have);
    r->start = 0;
    r->end = have;
    return have;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    size_t cap = size < 1024 ? size : 1024;
    size_t have, length;
    ssize_t n;
    char *lf;

    if (!r || (!line && size)) {
        errno = EINVAL;
        return -1;
    }
again:
    have = compact(r);
    while ((lf = memchr(r->data, '\n', have)) == NULL) {
        if (have > cap + 1 || (have == cap + 1 && r->data[cap] != '\r'))
            goto large;
        n = read(r->fd, r->data + have, sizeof r->data - have);
        if (n < 0) {
            if (errno != EINTR)
                return -1;
            r->start = r->end = 0;
            goto again;
        }
        if (n == 0) {
            if (have == 0)
                return -2;
            if (have > cap)
                goto large;
            memcpy(line, r->data, have);
            r->end = 0;
            return (ssize_t)have;
        }
        have += (size_t)n;
        r->end = have;
    }
    length = (size_t)(lf - r->data);
    r->start = length + 1;
    if (length > 0 && r->data[length - 1] == '\r')
        length--;
    if (length > cap)
        goto large;
    if (length > 0)
        memcpy(line, r->data, length);
    return (ssize_t)length;
large:
    errno = EMSGSIZE;
    return -1;
}
