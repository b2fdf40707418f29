/*
 * Wrappers of the calls that work on files by their paths: socket files, lock
 * files, and what guards them.  A record keeps the path, or both.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_openat(int, const char *, int, ...);
FILE *__real_fopen(const char *, const char *);
int __real_fileno(FILE *);
int __real_mkostemp(char *, int);
char *__real_mkdtemp(char *);
int __real_unlinkat(int, const char *, int);
int __real_remove(const char *);
int __real_mkdirat(int, const char *, mode_t);
int __real_renameat(int, const char *, int, const char *);
int __real_link(const char *, const char *);
int __real_symlink(const char *, const char *);
int __real_fchmod(int, mode_t);
int __real_fchmodat(int, const char *, mode_t, int);
int __real_chown(const char *, uid_t, gid_t);
mode_t __real_umask(mode_t);
int __real_access(const char *, int);
int __real_fstatat(int, const char *, struct stat *, int);

/* The same under the name that -D_FILE_OFFSET_BITS=64 gives it. */
#define ALSO(name) __attribute__((alias("__wrap_" #name)))

/* A directory that a path is relative to, as a record has it. */
static int relative(int directory)
{
    return directory == AT_FDCWD ? -1 : directory;
}

/* --- files are opened and made -------------------------------------------- */

static int traced_open(uintptr_t caller, int directory, const char *path,
                       int flags, mode_t mode)
{
    struct call call = trace_enter(OP_OPEN, caller, relative(directory), flags,
                                   mode, 0, 0);

    trace_keep_paths(&call, path, NULL);
    RETURN_TRACED(call, __real_openat(directory, path, flags, mode));
}

/* The mode is there only where a file may be made (open(2)). */
#define MODE_ARGUMENT(flags, mode)                                            \
    do {                                                                      \
        va_list ap;                                                           \
        va_start(ap, flags);                                                  \
        mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(ap, mode_t) : 0;        \
        va_end(ap);                                                           \
    } while (0)

int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode;

    MODE_ARGUMENT(flags, mode);
    return traced_open(CALLER, AT_FDCWD, path, flags, mode);
}

int __wrap_openat(int directory, const char *path, int flags, ...)
{
    mode_t mode;

    MODE_ARGUMENT(flags, mode);
    return traced_open(CALLER, directory, path, flags, mode);
}

int __wrap_creat(const char *path, mode_t mode)
{
    return traced_open(CALLER, AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int __wrap_open64(const char *, int, ...) ALSO(open);
int __wrap_openat64(int, const char *, int, ...) ALSO(openat);
int __wrap_creat64(const char *, mode_t) ALSO(creat);

FILE *__wrap_fopen(const char *path, const char *mode)
{
    struct call call = trace_enter(OP_FOPEN, CALLER, -1, 0, 0, 0, 0);
    FILE *file = NULL;
    long result;

    trace_keep_paths(&call, path, NULL);
    if (!trace_answers(&call, &result)) {
        file = __real_fopen(path, mode);
        result = file ? __real_fileno(file) : -1;
    }
    trace_leave(&call, result);
    return file;
}

FILE *__wrap_fopen64(const char *, const char *) ALSO(fopen);

int __wrap_mkostemp(char *path, int flags)
{
    struct call call = trace_enter(OP_MKSTEMP, CALLER, -1, flags, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_mkostemp(path, flags);
    trace_keep_paths(&call, path, NULL);
    return (int)trace_leave(&call, result);
}

int __wrap_mkstemp(char *path)
{
    struct call call = trace_enter(OP_MKSTEMP, CALLER, -1, 0, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_mkostemp(path, 0);
    trace_keep_paths(&call, path, NULL);
    return (int)trace_leave(&call, result);
}

int __wrap_mkstemp64(char *) ALSO(mkstemp);

static int traced_mkdir(uintptr_t caller, int directory, const char *path,
                        mode_t mode)
{
    struct call call = trace_enter(OP_MKDIR, caller, relative(directory), mode,
                                   0, 0, 0);

    trace_keep_paths(&call, path, NULL);
    RETURN_TRACED(call, __real_mkdirat(directory, path, mode));
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return traced_mkdir(CALLER, AT_FDCWD, path, mode);
}

int __wrap_mkdirat(int directory, const char *path, mode_t mode)
{
    return traced_mkdir(CALLER, directory, path, mode);
}

char *__wrap_mkdtemp(char *path)
{
    struct call call = trace_enter(OP_MKDIR, CALLER, -1, 0700, 0, 0, 0);
    long result;

    if (!trace_answers(&call, &result))
        result = __real_mkdtemp(path) ? 0 : -1;
    trace_keep_paths(&call, path, NULL);
    return trace_leave(&call, result) == 0 ? path : NULL;
}

/* --- and get other names --------------------------------------------------- */

static int traced_unlink(uintptr_t caller, int directory, const char *path,
                         int flags)
{
    int operation = flags & AT_REMOVEDIR ? OP_RMDIR : OP_UNLINK;
    struct call call = trace_enter(operation, caller, relative(directory), flags,
                                   0, 0, 0);

    trace_keep_paths(&call, path, NULL);
    RETURN_TRACED(call, __real_unlinkat(directory, path, flags));
}

int __wrap_unlink(const char *path)
{
    return traced_unlink(CALLER, AT_FDCWD, path, 0);
}

int __wrap_unlinkat(int directory, const char *path, int flags)
{
    return traced_unlink(CALLER, directory, path, flags);
}

int __wrap_rmdir(const char *path)
{
    return traced_unlink(CALLER, AT_FDCWD, path, AT_REMOVEDIR);
}

int __wrap_remove(const char *path)
{
    struct call call = trace_enter(OP_UNLINK, CALLER, -1, 0, 0, 0, 0);

    trace_keep_paths(&call, path, NULL);
    RETURN_TRACED(call, __real_remove(path));
}

static int traced_rename(uintptr_t caller, int from_directory, const char *from,
                         int to_directory, const char *to)
{
    struct call call = trace_enter(OP_RENAME, caller, relative(from_directory), 0,
                                   0, 0, 0);

    trace_keep_paths(&call, from, to);
    RETURN_TRACED(call, __real_renameat(from_directory, from, to_directory, to));
}

int __wrap_rename(const char *from, const char *to)
{
    return traced_rename(CALLER, AT_FDCWD, from, AT_FDCWD, to);
}

int __wrap_renameat(int from_directory, const char *from, int to_directory,
                    const char *to)
{
    return traced_rename(CALLER, from_directory, from, to_directory, to);
}

int __wrap_link(const char *from, const char *to)
{
    struct call call = trace_enter(OP_LINK, CALLER, -1, 0, 0, 0, 0);

    trace_keep_paths(&call, from, to);
    RETURN_TRACED(call, __real_link(from, to));
}

int __wrap_symlink(const char *from, const char *to)
{
    struct call call = trace_enter(OP_SYMLINK, CALLER, -1, 0, 0, 0, 0);

    trace_keep_paths(&call, from, to);
    RETURN_TRACED(call, __real_symlink(from, to));
}

/* --- who may use them ------------------------------------------------------ */

static int traced_chmod(uintptr_t caller, int directory, const char *path,
                        mode_t mode, int flags)
{
    struct call call = trace_enter(OP_CHMOD, caller, relative(directory), mode,
                                   flags, 0, 0);

    trace_keep_paths(&call, path, NULL);
    RETURN_TRACED(call, __real_fchmodat(directory, path, mode, flags));
}

int __wrap_chmod(const char *path, mode_t mode)
{
    return traced_chmod(CALLER, AT_FDCWD, path, mode, 0);
}

int __wrap_fchmodat(int directory, const char *path, mode_t mode, int flags)
{
    return traced_chmod(CALLER, directory, path, mode, flags);
}

int __wrap_fchmod(int fd, mode_t mode)
{
    struct call call = trace_enter(OP_FCHMOD, CALLER, fd, mode, 0, 0, 0);

    RETURN_TRACED(call, __real_fchmod(fd, mode));
}

int __wrap_chown(const char *path, uid_t user, gid_t group)
{
    struct call call = trace_enter(OP_CHOWN, CALLER, -1, user, group, 0, 0);

    trace_keep_paths(&call, path, NULL);
    RETURN_TRACED(call, __real_chown(path, user, group));
}

mode_t __wrap_umask(mode_t mask)
{
    struct call call = trace_enter(OP_UMASK, CALLER, -1, mask, 0, 0, 0);

    return (mode_t)trace_leave(&call, (long)__real_umask(mask));
}

int __wrap_access(const char *path, int mode)
{
    struct call call = trace_enter(OP_ACCESS, CALLER, -1, mode, 0, 0, 0);

    trace_keep_paths(&call, path, NULL);
    RETURN_TRACED(call, __real_access(path, mode));
}

static int traced_stat(int operation, uintptr_t caller, int directory,
                       const char *path, struct stat *s, int flags)
{
    struct call call = trace_enter(operation, caller, relative(directory), flags,
                                   0, 0, 0);
    long result;

    trace_keep_paths(&call, path, NULL);
    if (!trace_answers(&call, &result)) {
        result = __real_fstatat(directory, path, s, flags);
        if (result == 0) {
            call.record->args[1] = s->st_mode;
            call.record->args[2] = (int64_t)s->st_dev;
            call.record->args[3] = (int64_t)s->st_ino;
        }
    }
    return (int)trace_leave(&call, result);
}

int __wrap_stat(const char *path, struct stat *s)
{
    return traced_stat(OP_STAT, CALLER, AT_FDCWD, path, s, 0);
}

int __wrap_lstat(const char *path, struct stat *s)
{
    return traced_stat(OP_LSTAT, CALLER, AT_FDCWD, path, s, AT_SYMLINK_NOFOLLOW);
}

int __wrap_fstatat(int directory, const char *path, struct stat *s, int flags)
{
    return traced_stat(flags & AT_SYMLINK_NOFOLLOW ? OP_LSTAT : OP_STAT, CALLER,
                       directory, path, s, flags);
}

int __wrap_stat64(const char *, struct stat *) ALSO(stat);
int __wrap_lstat64(const char *, struct stat *) ALSO(lstat);
int __wrap_fstatat64(int, const char *, struct stat *, int) ALSO(fstatat);
