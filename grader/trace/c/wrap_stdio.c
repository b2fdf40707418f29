/*
 * Wrappers of the calls of stdio on files that a path has opened: what a program
 * reads and writes there, and what closing one of them says.  Streams over sockets
 * are recorded below stdio, by the calls that they come to (wrap_names.c).
 */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

size_t __real_fread(void *, size_t, size_t, FILE *);
size_t __real_fwrite(const void *, size_t, size_t, FILE *);
int __real_fclose(FILE *);
int __real_fileno(FILE *);

__thread uintptr_t trace_stdio_caller;

/* The descriptor of a stream over a file or a directory; -1 of any other. */
static int file_of(FILE *file)
{
    int error = errno, fd = __real_fileno(file);
    struct stat s;

    if (fd != -1 && (fstat(fd, &s) == -1 || !(S_ISREG(s.st_mode) || S_ISDIR(s.st_mode))))
        fd = -1;
    errno = error;
    return fd;
}

/* Whether the plan has the call fail; the stream is then in error, as ferror() has it. */
static int fails(struct call *call, FILE *file)
{
    long result;

    if (!trace_answers(call, &result))
        return 0;
    file->_flags |= _IO_ERR_SEEN;
    trace_leave(call, -1);
    return 1;
}

size_t __wrap_fread(void *data, size_t size, size_t count, FILE *file)
{
    int fd = file_of(file);
    struct call call;
    size_t got;

    if (fd == -1) {
        trace_stdio_caller = CALLER;
        got = __real_fread(data, size, count, file);
        trace_stdio_caller = 0;
        return got;
    }
    call = trace_enter(OP_FREAD, CALLER, fd, (int64_t)size, (int64_t)count, 0, 0);
    if (fails(&call, file))
        return 0;
    got = __real_fread(data, size, count, file);
    if (got > 0)
        trace_keep(&call, data, got * size);
    trace_leave(&call, got < count && ferror(file) ? -1 : (long)got);
    return got;
}

size_t __wrap_fwrite(const void *data, size_t size, size_t count, FILE *file)
{
    int fd = file_of(file);
    struct call call;
    size_t taken;

    if (fd == -1) {
        trace_stdio_caller = CALLER;
        taken = __real_fwrite(data, size, count, file);
        trace_stdio_caller = 0;
        return taken;
    }
    call = trace_enter(OP_FWRITE, CALLER, fd, (int64_t)size, (int64_t)count, 0, 0);
    if (fails(&call, file))
        return 0;
    taken = __real_fwrite(data, size, count, file);
    if (taken > 0)
        trace_keep(&call, data, taken * size);
    trace_leave(&call, taken < count ? -1 : (long)taken);
    return taken;
}

int __wrap_fclose(FILE *file)
{
    int fd = file_of(file), error;
    struct call call;
    long result;

    if (fd == -1) {
        trace_stdio_caller = CALLER;
        result = __real_fclose(file);
        trace_stdio_caller = 0;
        return (int)result;
    }
    call = trace_enter(OP_FCLOSE, CALLER, fd, 0, 0, 0, 0);
    if (!trace_answers(&call, &result)) {
        result = __real_fclose(file);
    } else {
        error = errno;
        __real_fclose(file);    /* Linux closes it all the same */
        errno = error;
        result = EOF;
    }
    return (int)trace_leave(&call, result);
}
