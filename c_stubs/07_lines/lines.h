#include <stddef.h>
#include <sys/types.h>

/* What has been received on fd and not yet given out: data[start] up to, but
   not including, data[end].  It belongs to the functions below. */
struct line_reader {
    int fd;
    size_t start, end;
    char data[4096];
};

/* Begin to read lines from fd, a connected stream socket. */
void line_reader_init(struct line_reader *r, int fd);

/* Store the next line in line, which has room for size bytes, without its
   ending and without a zero.  Returns its length, -2 when there are no more
   lines, or -1 with errno set: EMSGSIZE for a line of more than 1,024 bytes or
   more than size. */
ssize_t read_line(struct line_reader *r, char *line, size_t size);
