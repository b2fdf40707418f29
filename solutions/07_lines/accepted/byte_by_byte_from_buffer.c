/* A state machine that is fed byte by byte, out of a buffer that is filled
   chunk by chunk. */

#include "lines.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

void line_reader_init(struct line_reader *r, int fd)
{
    *r = (struct line_reader){ .fd = fd };
}

/* 1 and a byte, 0 at end-of-file, -1. */
static int next_byte(struct line_reader *r, char *byte)
{
    if (r->start == r->end) {
        ssize_t n;

        do
            n = read(r->fd, r->data, sizeof r->data);
        while (n == -1 && errno == EINTR);
        if (n <= 0)
            return (int)n;
        r->start = 0;
        r->end = (size_t)n;
    }
    *byte = r->data[r->start++];
    return 1;
}

/* Append a byte of content; false if there is no room or no right to it. */
static bool put(char byte, char *line, size_t size, size_t *len)
{
    if (*len == 1024 || *len == size) {
        errno = EMSGSIZE;
        return false;
    }
    line[(*len)++] = byte;
    return true;
}

ssize_t read_line(struct line_reader *r, char *line, size_t size)
{
    bool cr = false;    /* seen, and not yet known what it is */
    bool any = false;
    size_t len = 0;
    char byte = 0;
    int got;

    if (line == NULL && size > 0) {
        errno = EINVAL;
        return -1;
    }
    while ((got = next_byte(r, &byte)) == 1) {
        any = true;
        if (byte == '\n')
            return (ssize_t)len;
        if (cr && !put('\r', line, size, &len))
            return -1;
        cr = byte == '\r';
        if (!cr && !put(byte, line, size, &len))
            return -1;
    }
    if (got == -1)
        return -1;
    if (cr && !put('\r', line, size, &len))
        return -1;
    return any ? (ssize_t)len : -2;
}
