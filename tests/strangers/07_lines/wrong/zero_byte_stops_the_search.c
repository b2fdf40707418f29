/*
 * expect: fail
 * gap: other
 * cause: The line feed is looked for with strchr(), which stops at the first zero byte: received bytes are not a string.
 * shows: A line with a zero byte in it: its ending is never found, the reader waits for more, and at end-of-file two lines come out as one.
 * says: with a zero at byte
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

struct line_reader {
    int fd;
    size_t start, end;
    char data[4096];
};

#define MAX_LINE 1024

void line_reader_init(struct line_reader *r, int fd)
{
    memset(r, 0, sizeof *r);
    r->fd = fd;
}

static ssize_t too_long(void)
{
    errno = EMSGSIZE;
    return -1;
}

/* Gives out `n` bytes as a line and passes over `ending` more. */
static ssize_t give(struct line_reader *r, char *line, size_t size, size_t n, size_t ending)
{
    if (n > MAX_LINE || n > size)
        return too_long();
    if (n > 0)
        memcpy(line, r->data + r->start, n);
    r->start += n + ending;
    return (ssize_t)n;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    ssize_t n;

    if (r == NULL || (line == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    for (;;) {
        char *first = r->data + r->start, *lf;
        size_t have = r->end - r->start;
        size_t most = size < MAX_LINE ? size : MAX_LINE;

        /* room for this zero is always kept */
        r->data[r->end] = '\0';
        lf = strchr(first, '\n');
        if (lf != NULL) {
            size_t length = (size_t)(lf - first);
            if (length > 0 && lf[-1] == '\r')
                return give(r, line, size, length - 1, 2);
            return give(r, line, size, length, 1);
        }
        if (have > most && !(have == most + 1 && first[most] == '\r'))
            return too_long();

        memmove(r->data, first, have);
        r->start = 0;
        r->end = have;
        n = recv(r->fd, r->data + r->end, sizeof r->data - 1 - r->end, 0);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (n == 0)
            return have ? give(r, line, size, have, 0) : -2;
        r->end += (size_t)n;
    }
}
