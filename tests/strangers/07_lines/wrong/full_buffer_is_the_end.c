/*
 * expect: fail
 * gap: other
 * cause: The buffer is put right only when it is empty: when a line stands across its end, recv() is called with room for 0 bytes and its 0 is taken for end-of-file.
 * shows: More than 4,096 bytes of lines come at once, and a line crosses the edge of the buffer.
 * says: recv() was asked for 0 bytes, with no room left
 */
#include "lines.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

void line_reader_init(struct line_reader *r, int fd)
{
    r->fd = fd;
    r->start = r->end = 0;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    size_t limit = size < 1024 ? size : 1024, n, used;

    if (r == NULL || (line == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    for (;;) {
        char *begin = r->data + r->start;
        size_t have = r->end - r->start;
        char *lf = memchr(begin, '\n', have);
        ssize_t got;

        if (lf != NULL) {
            n = (size_t)(lf - begin);
            used = n + 1;
            if (n > 0 && begin[n - 1] == '\r')
                n--;
            break;
        }
        if (have > limit + 1 || (have == limit + 1 && begin[limit] != '\r')) {
            errno = EMSGSIZE;
            return -1;
        }
        if (r->start == r->end)
            r->start = r->end = 0;
        got = recv(r->fd, r->data + r->end, sizeof r->data - r->end, 0);
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return -1;
        if (got == 0) {
            if (have == 0)
                return -2;
            n = used = have;
            break;
        }
        r->end += (size_t)got;
    }
    if (n > limit) {
        errno = EMSGSIZE;
        return -1;
    }
    if (n)
        memcpy(line, r->data + r->start, n);
    r->start += used;
    return (ssize_t)n;
}
