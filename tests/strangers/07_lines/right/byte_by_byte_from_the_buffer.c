/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#include "lines.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

void line_reader_init(struct line_reader *r, int fd)
{
    memset(r, 0, sizeof *r);
    r->fd = fd;
}

/* Makes byte i of the line available: 1, 0 at end-of-file, -1 on error. */
static int have_byte(struct line_reader *r, size_t i)
{
    while (r->start + i >= r->end) {
        ssize_t n;

        if (r->end == sizeof r->data) {
            memmove(r->data, r->data + r->start, r->end - r->start);
            r->end -= r->start;
            r->start = 0;
        }
        n = read(r->fd, r->data + r->end, sizeof r->data - r->end);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        r->end += (size_t)n;
    }
    return 1;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    size_t limit = size > 1024 ? 1024 : size, i, length;

    if (r == NULL || (line == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    for (i = 0;; i++) {
        int got = have_byte(r, i);
        const char *text = r->data + r->start;

        if (got < 0)
            return -1;
        if (got == 0) {
            if (i == 0)
                return -2;
            length = i;
            break;
        }
        if (text[i] == '\n') {
            length = i > 0 && text[i - 1] == '\r' ? i - 1 : i;
            i++;
            break;
        }
        if (i == limit ? text[i] != '\r' : i > limit) {
            errno = EMSGSIZE;
            return -1;
        }
    }
    if (length > limit) {
        errno = EMSGSIZE;
        return -1;
    }
    if (length > 0)
        memcpy(line, r->data + r->start, length);
    r->start += i;
    return (ssize_t)length;
}
