/*
 * Wrappers of the calls that begin processes, end them and wait for them.  What a process has become
 * by exec is not traced: its record stays open, for it is in that call for good.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t __real_fork(void);
int __real_pause(void);
int __real_kill(pid_t, int);
int __real_execve(const char *, char *const[], char *const[]);
int __real_execvpe(const char *, char *const[], char *const[]);
int __real_fexecve(int, char *const[], char *const[]);
int __real_posix_spawn(pid_t *, const char *, const posix_spawn_file_actions_t *,
                       const posix_spawnattr_t *, char *const[], char *const[]);
int __real_posix_spawnp(pid_t *, const char *, const posix_spawn_file_actions_t *,
                        const posix_spawnattr_t *, char *const[], char *const[]);
pid_t __real_wait(int *);
pid_t __real_waitpid(pid_t, int *, int);
int __real_waitid(idtype_t, id_t, siginfo_t *, int);
pid_t __real_wait4(pid_t, int *, int, struct rusage *);
void __real__exit(int) __attribute__((noreturn));
void __real_exit(int) __attribute__((noreturn));

/* A program that forks without end stands still at the script's limit, where
   the judge finds it: its processes would otherwise fill the machine. */
static void count_child(void)
{
    uint32_t *forks = trace_field(TRACE_AT_FORKS);

    if (forks && __atomic_add_fetch(forks, 1, __ATOMIC_SEQ_CST) >
                     *trace_field(TRACE_AT_FORK_LIMIT))
        for (;;)
            __real_pause();
}

pid_t __wrap_fork(void)
{
    struct call call = trace_enter(OP_FORK, CALLER, -1, 0, 0, 0, 0);
    long result;

    if (trace_answers(&call, &result))
        return (pid_t)trace_leave(&call, result);
    count_child();
    result = __real_fork();
    return result == 0 ? 0 : (pid_t)trace_leave(&call, result);
}

void __wrap__exit(int status)
{
    trace_enter(OP_EXIT, CALLER, -1, status, 0, 0, 0);
    __real__exit(status);
}

void __wrap_exit(int status)
{
    trace_enter(OP_EXIT, CALLER, -1, status, 1, 0, 0);
    __real_exit(status);
}

int __wrap_kill(pid_t pid, int number)
{
    struct call call = trace_enter(OP_KILL, CALLER, -1, pid, number, 0, 0);

    RETURN_TRACED(call, __real_kill(pid, number));
}

pid_t __wrap_wait(int *status)
{
    struct call call = trace_enter(OP_WAITPID, CALLER, -1, -1, 0, 0, 0);

    RETURN_TRACED(call, __real_wait(status));
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
    struct call call = trace_enter(OP_WAITPID, CALLER, -1, pid, options, 0, 0);

    RETURN_TRACED(call, __real_waitpid(pid, status, options));
}

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    struct call call = trace_enter(OP_WAITPID, CALLER, -1,
                                   type == P_ALL ? -1 : (int64_t)id, options,
                                   0, 0);

    RETURN_TRACED(call, __real_waitid(type, id, info, options));
}

pid_t __wrap_wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    struct call call = trace_enter(OP_WAITPID, CALLER, -1, pid, options, 0, 0);

    RETURN_TRACED(call, __real_wait4(pid, status, options, usage));
}

/* --- other programs --------------------------------------------------------- */

enum { MOST_STRINGS = 4096 };

/* The environment without what the kit has put there for the learner's process
   alone: another program is not to be sanitized.  Where nothing of it is there,
   the list itself. */
static char *const *clean(char *const environment[], char **room)
{
    static const char *const ours[] = { "LD_PRELOAD=", "ASAN_OPTIONS=",
                                        "UBSAN_OPTIONS=", "LSAN_OPTIONS=" };
    size_t kept = 0, all = 0;

    for (; environment && environment[all] && all < MOST_STRINGS - 1; all++) {
        int is_ours = 0;

        for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
            is_ours |= strncmp(environment[all], ours[i], strlen(ours[i])) == 0;
        if (!is_ours)
            room[kept++] = environment[all];
    }
    room[kept] = NULL;
    return kept == all ? environment : room;
}

typedef int executes(const char *, char *const[], char *const[]);

static int traced_exec(uintptr_t caller, executes *real, const char *file,
                       char *const argv[], char *const environment[])
{
    struct call call = trace_enter(OP_EXECVE, caller, -1, 0, 0, 0, 0);
    char *room[MOST_STRINGS];

    trace_keep_list(&call, file, argv);
    RETURN_TRACED(call, real(file, argv, clean(environment, room)));
}

int __wrap_execve(const char *path, char *const argv[], char *const environment[])
{
    return traced_exec(CALLER, __real_execve, path, argv, environment);
}

int __wrap_execv(const char *path, char *const argv[])
{
    return traced_exec(CALLER, __real_execve, path, argv, environ);
}

int __wrap_execvpe(const char *file, char *const argv[], char *const environment[])
{
    return traced_exec(CALLER, __real_execvpe, file, argv, environment);
}

int __wrap_execvp(const char *file, char *const argv[])
{
    return traced_exec(CALLER, __real_execvpe, file, argv, environ);
}

int __wrap_fexecve(int fd, char *const argv[], char *const environment[])
{
    struct call call = trace_enter(OP_EXECVE, CALLER, fd, 0, 0, 0, 0);
    char *room[MOST_STRINGS];

    trace_keep_list(&call, "", argv);
    RETURN_TRACED(call, __real_fexecve(fd, argv, clean(environment, room)));
}

/* The arguments of execl and its like, as a list. */
#define LIST_ARGUMENTS(first, argv, ap)                                       \
    do {                                                                      \
        size_t n_ = 0;                                                        \
        argv[n_] = (char *)(uintptr_t)first;                                  \
        while (argv[n_] && n_ < MOST_STRINGS - 1)                             \
            argv[++n_] = va_arg(ap, char *);                                  \
        argv[n_] = NULL;                                                      \
    } while (0)

int __wrap_execl(const char *path, const char *first, ...)
{
    char *argv[MOST_STRINGS];
    va_list ap;

    va_start(ap, first);
    LIST_ARGUMENTS(first, argv, ap);
    va_end(ap);
    return traced_exec(CALLER, __real_execve, path, argv, environ);
}

int __wrap_execlp(const char *file, const char *first, ...)
{
    char *argv[MOST_STRINGS];
    va_list ap;

    va_start(ap, first);
    LIST_ARGUMENTS(first, argv, ap);
    va_end(ap);
    return traced_exec(CALLER, __real_execvpe, file, argv, environ);
}

int __wrap_execle(const char *path, const char *first, ...)
{
    char *argv[MOST_STRINGS], *const *environment;
    va_list ap;

    va_start(ap, first);
    LIST_ARGUMENTS(first, argv, ap);
    environment = va_arg(ap, char *const *);
    va_end(ap);
    return traced_exec(CALLER, __real_execve, path, argv, environment);
}

typedef int spawns(pid_t *, const char *, const posix_spawn_file_actions_t *,
                   const posix_spawnattr_t *, char *const[], char *const[]);

/* These return the error itself; the trace has the child, or -1 with errno. */
static int traced_spawn(uintptr_t caller, spawns *real, pid_t *pid,
                        const char *file,
                        const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[],
                        char *const environment[])
{
    struct call call = trace_enter(OP_POSIX_SPAWN, caller, -1, 0, 0, 0, 0);
    char *room[MOST_STRINGS];
    pid_t child = -1;
    long result;
    int error;

    trace_keep_list(&call, file, argv);
    if (trace_answers(&call, &result)) {
        error = errno;
    } else {
        count_child();
        error = real(&child, file, actions, attributes, argv,
                     clean(environment, room));
    }
    errno = error;
    trace_leave(&call, error ? -1 : child);
    if (!error && pid)
        *pid = child;
    errno = call.saved_errno;
    return error;
}

int __wrap_posix_spawn(pid_t *pid, const char *path,
                       const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[],
                       char *const environment[])
{
    return traced_spawn(CALLER, __real_posix_spawn, pid, path, actions,
                        attributes, argv, environment);
}

int __wrap_posix_spawnp(pid_t *pid, const char *file,
                        const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[],
                        char *const environment[])
{
    return traced_spawn(CALLER, __real_posix_spawnp, pid, file, actions,
                        attributes, argv, environment);
}
