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
    return len > 0 && line[len - 1] == '\r' ? len - 1 : len;
}

/* Store a line, if it is not too long. */
static ssize_t give_out(const char *from, size_t len, char *line, size_t size)
{
    if (len > LIMIT || len > size) {
        errno = EMSGSIZE;
        return -1;
    }
    if (len > 0)
        memcpy(line, from, len);
    return (ssize_t)len;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    size_t searched = 0;

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
            r->start += (size_t)(lf + 1 - next);
            return give_out(next, without_cr(next, (size_t)(lf - next)),
                            line, size);
        }
        searched = have;
        if (without_cr(next, have) > LIMIT) {
            errno = EMSGSIZE;
            return -1;
        }
        memmove(r->data, next, have);
        r->start = 0;
        r->end = have;
        n = recv(r->fd, r->data + have, sizeof r->data - have, 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (n == 0) {
            r->end = 0;
            return have > 0 ? give_out(r->data, have, line, size) : -2;
        }
        r->end += (size_t)n;
    }
}
