/*
 * Wrappers of the calls that list directories, and say where links lead: what
 * there is in proc(5) of another process.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

DIR *__real_opendir(const char *);
DIR *__real_fdopendir(int);
int __real_scandir(const char *, struct dirent ***, int (*)(const struct dirent *),
                   int (*)(const struct dirent **, const struct dirent **));
ssize_t __real_readlinkat(int, const char *, char *, size_t);

DIR *__wrap_opendir(const char *path)
{
    struct call call = trace_enter(OP_OPENDIR, CALLER, -1, 0, 0, 0, 0);
    DIR *directory = NULL;
    long result;

    trace_keep_paths(&call, path, NULL);
    if (!trace_answers(&call, &result)) {
        directory = __real_opendir(path);
        result = directory ? dirfd(directory) : -1;
    }
    trace_leave(&call, result);
    return directory;
}

DIR *__wrap_fdopendir(int fd)
{
    struct call call = trace_enter(OP_OPENDIR, CALLER, fd, 0, 0, 0, 0);
    DIR *directory = NULL;
    long result;

    if (!trace_answers(&call, &result)) {
        directory = __real_fdopendir(fd);
        result = directory ? fd : -1;
    }
    trace_leave(&call, result);
    return directory;
}

int __wrap_scandir(const char *path, struct dirent ***names,
                   int (*wants)(const struct dirent *),
                   int (*compare)(const struct dirent **, const struct dirent **))
{
    struct call call = trace_enter(OP_OPENDIR, CALLER, -1, 0, 0, 0, 0);

    trace_keep_paths(&call, path, NULL);
    RETURN_TRACED(call, __real_scandir(path, names, wants, compare));
}

/* The same under the name that -D_FILE_OFFSET_BITS=64 gives it. */
int __wrap_scandir64(const char *, struct dirent ***, int (*)(const struct dirent *),
                     int (*)(const struct dirent **, const struct dirent **))
    __attribute__((alias("__wrap_scandir")));

static ssize_t traced_readlink(uintptr_t caller, int directory, const char *path,
                               char *target, size_t room)
{
    struct call call = trace_enter(OP_READLINK, caller,
                                   directory == AT_FDCWD ? -1 : directory,
                                   (int64_t)room, 0, 0, 0);
    long result;

    trace_keep_paths(&call, path, NULL);
    if (!trace_answers(&call, &result))
        result = __real_readlinkat(directory, path, target, room);
    return trace_leave(&call, result);
}

ssize_t __wrap_readlink(const char *path, char *target, size_t room)
{
    return traced_readlink(CALLER, AT_FDCWD, path, target, room);
}

ssize_t __wrap_readlinkat(int directory, const char *path, char *target, size_t room)
{
    return traced_readlink(CALLER, directory, path, target, room);
}
