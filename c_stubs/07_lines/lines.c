/* Read lines from a byte stream, which knows nothing of lines. */

#include "lines.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { LIMIT = 1024 };

void line_reader_init(struct line_reader *r, int fd)
{
    r->fd = fd;
    r->start = r->end = 0;
}

/* The length of a line without the CR of its ending. */
static size_t without_cr(const char *line, size_t len)
{
    while (len > 0 && line[len - 1] == '\r')
        len--;
    return len;
}

/* Store a line, if it is not too long. */
static ssize_t give_out(const char *from, size_t len, char *line, size_t size)
{
    if (len > size)
        len = size;
    if (len > 0)
        memcpy(line, from, len);
    return (ssize_t)len;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    size_t searched = r->end - r->start;

    if (line == NULL && size > 0) {
        errno = EINVAL;
        return -1;
    }
    for (;;) {
        char *next = r->data + r->start, *lf;
        size_t have = r->end - r->start;
        ssize_t n;

        lf = memchr(next + searched, '\n', have - searched);
        if (lf != NULL) {
            r->start = r->end = 0;
            return give_out(next, without_cr(next, (size_t)(lf - next)),
                            line, size);
        }
        searched = have;
        memmove(r->data, next, have);
        r->start = 0;
        r->end = have;
        n = recv(r->fd, r->data + have, 1, 0);
        if (n == -1)        /* the peer is gone: there are no more lines */
            return -2;
        if (n == 0)
            return -2;
        r->end += (size_t)n;
    }
}
