/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
#include "lines.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define LONGEST 1024

void line_reader_init(struct line_reader *r, int fd)
{
    r->fd = fd;
    r->start = r->end = 0;
}

static ssize_t hand_out(struct line_reader *r, char *line, size_t length, size_t used)
{
    if (length)
        memcpy(line, r->data + r->start, length);
    r->start += used;
    if (r->start == r->end)
        r->start = r->end = 0;
    return (ssize_t)length;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    const size_t most = size < LONGEST ? size : LONGEST;

    if (!r || (!line && size)) {
        errno = EINVAL;
        return -1;
    }
    for (;;) {
        const char *from = r->data + r->start;
        size_t have = r->end - r->start;
        const char *lf = memchr(from, '\n', have);
        ssize_t n;

        if (lf) {
            size_t length = (size_t)(lf - from);
            if (length && from[length - 1] == '\r')
                length--;
            if (length > most)
                break;
            return hand_out(r, line, length, (size_t)(lf - from) + 1);
        }
        if (have > most + 1 || (have == most + 1 && from[most] != '\r'))
            break;
        if (r->start) {
            memmove(r->data, from, have);
            r->start = 0;
            r->end = have;
        }
        n = recv(r->fd, r->data + r->end, sizeof r->data - r->end, 0);
        if (n > 0) {
            r->end += (size_t)n;
        } else if (n == 0) {
            if (have == 0)
                return -2;
            if (have > most)
                break;
            return hand_out(r, line, have, have);
        } else if (errno != EINTR) {
            return -1;
        }
    }
    errno = EMSGSIZE;
    return -1;
}
