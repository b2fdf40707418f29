/* Looks before it takes: nothing behind the line is ever taken off the socket,
   so that only the piece of a line that has come is kept. */

#include "lines.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define LONGEST 1024

void line_reader_init(struct line_reader *r, int fd)
{
    memset(r, 0, sizeof *r);
    r->fd = fd;
}

static ssize_t take(int fd, char *to, size_t size, int flags)
{
    ssize_t n;

    while ((n = recv(fd, to, size, flags)) < 0 && errno == EINTR)
        continue;
    return n;
}

static ssize_t finish(struct line_reader *r, size_t len, char *line, size_t size)
{
    r->end = 0;
    if (len > LONGEST || len > size) {
        errno = EMSGSIZE;
        return -1;
    }
    if (len > 0)
        memcpy(line, r->data, len);
    return (ssize_t)len;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    if (!line && size) {
        errno = EINVAL;
        return -1;
    }
    while (r->end <= LONGEST + 1) {
        char *fresh = r->data + r->end;
        size_t room = LONGEST + 2 - r->end, wanted, len;
        ssize_t n = take(r->fd, fresh, room, MSG_PEEK);
        char *lf;

        if (n < 0)
            return -1;
        if (n == 0)
            return r->end ? finish(r, r->end, line, size) : -2;
        lf = memchr(fresh, '\n', (size_t)n);
        wanted = lf ? (size_t)(lf - fresh) + 1 : (size_t)n;
        n = take(r->fd, fresh, wanted, 0);
        if (n < 0)
            return -1;
        r->end += (size_t)n;
        if (lf) {
            len = r->end - 1;
            if (len && r->data[len - 1] == '\r')
                len--;
            return finish(r, len, line, size);
        }
        if (r->end == LONGEST + 1 && r->data[LONGEST] != '\r')
            break;
    }
    errno = EMSGSIZE;
    return -1;
}
