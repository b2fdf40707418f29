/*
 * expect: fail
 * gap: over-read
 * cause: A stdio stream is laid over a duplicate of the descriptor: it reads 4,096 bytes at a time, and what it has read too much is lost with it.
 * shows: What follows arrives together with the bytes asked for.
 */
#include "recv_exactly.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

ssize_t recv_exactly(int fd, void *data, size_t len)
{
    size_t got = 0;
    int copy, error = 0;
    FILE *in;

    if (data == NULL && len > 0) {
        errno = EINVAL;
        return -1;
    }
    if (len == 0)
        return 0;
    copy = dup(fd);
    if (copy == -1)
        return -1;
    in = fdopen(copy, "r");
    if (in == NULL) {
        error = errno;
        close(copy);
        errno = error;
        return -1;
    }
    do {
        clearerr(in);
        got += fread((char *)data + got, 1, len - got, in);
        error = ferror(in) ? errno : 0;
    } while (error == EINTR && got < len);
    fclose(in);
    if (error && got < len) {
        errno = error;
        return -1;
    }
    return (ssize_t)got;
}
