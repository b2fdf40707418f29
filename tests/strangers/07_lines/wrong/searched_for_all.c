/*
 * expect: fail
 * gap: other
 * cause: How far the buffer has been searched for the LF is kept in a static variable, one for all readers; a second reader starts its search where the first one stopped.
 * shows: A reader that ended in an error (a line too long, a time-out in the middle of a line), then another reader in the same process: it overlooks an LF at the beginning of its own buffer.
 * says: has come and nothing more will
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

struct line_reader { int fd; size_t start, end; char data[4096]; };

#define MAX_LINE 1024

static size_t searched; /* bytes after start that are known to hold no LF */

void line_reader_init(struct line_reader *r, int fd)
{
    r->fd = fd;
    r->start = r->end = 0;
}

static ssize_t deliver(struct line_reader *r, size_t length, size_t ending, char *line, size_t size)
{
    if (length > MAX_LINE || length > size) {
        errno = EMSGSIZE;
        return -1;
    }
    if (length > 0)
        memcpy(line, r->data + r->start, length);
    r->start += length + ending;
    searched = 0;
    return (ssize_t)length;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    if (r == NULL || (line == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    for (;;) {
        char *begin = r->data + r->start;
        size_t there = r->end - r->start;
        ssize_t n;

        while (searched < there && begin[searched] != '\n')
            searched++;
        if (searched < there) {
            size_t length = searched;
            if (length > 0 && begin[length - 1] == '\r')
                return deliver(r, length - 1, 2, line, size);
            return deliver(r, length, 1, line, size);
        }
        if (there > MAX_LINE + 1 || (there == MAX_LINE + 1 && begin[MAX_LINE] != '\r')) {
            errno = EMSGSIZE;
            return -1;
        }
        if (r->start > 0) {
            memmove(r->data, begin, there);
            r->start = 0;
            r->end = there;
        }
        n = recv(r->fd, r->data + r->end, sizeof r->data - r->end, 0);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (n == 0) {
            if (there == 0)
                return -2;
            return deliver(r, there, 0, line, size);
        }
        r->end += (size_t)n;
    }
}
