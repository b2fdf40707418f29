/*
 * expect: pass
 * gap: none
 * cause: fork and execvp with a close-on-exec status pipe, all descriptors above 2 first, one poll loop with MSG_DONTWAIT, and SIGKILL plus waitpid on every failure.
 * shows: never
 */
#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void close_quietly(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}

/* Exchanges *fd for the same file under a number above 2. */
static int lift(int *fd)
{
    int higher = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
    if (higher == -1)
        return -1;
    close(*fd);
    *fd = higher;
    return 0;
}

static void close_from_three_on_exec(void)
{
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#ifdef SYS_close_range
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return;
#endif
    struct rlimit limit;
    long top = 1L << 20;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < (rlim_t)top)
        top = (long)limit.rlim_max;
    for (long fd = 3; fd < top; fd++)
        fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

static void become(char *const argv[], int sock, int report)
{
    int r;
    do
        r = dup2(sock, 0);
    while (r == -1 && (errno == EINTR || errno == EBUSY));
    if (r != -1) {
        do
            r = dup2(sock, 1);
        while (r == -1 && (errno == EINTR || errno == EBUSY));
    }
    if (r != -1) {
        close_from_three_on_exec();
        execvp(argv[0], argv);
    }
    int problem = errno;
    while (write(report, &problem, sizeof problem) == -1 && errno == EINTR)
        ;
    _exit(127);
}

/* Reply length, or -1. */
static ssize_t pump(int fd, const char *data, size_t len, char *reply, size_t size)
{
    size_t sent = 0, got = 0;
    int writing = 1, reading = 1;

    while (writing || reading) {
        struct pollfd p = { .fd = fd, .events = (short)((writing ? POLLOUT : 0) | (reading ? POLLIN : 0)) };

        if (poll(&p, 1, -1) == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (writing && (p.revents & (POLLOUT | POLLERR | POLLHUP))) {
            ssize_t n = 0;
            if (sent < len)
                n = send(fd, data + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n >= 0) {
                sent += (size_t)n;
                if (sent == len) {
                    shutdown(fd, SHUT_WR);
                    writing = 0;
                }
            } else if (errno == EPIPE || errno == ECONNRESET) {
                writing = 0;
            } else if (errno != EAGAIN && errno != EINTR) {
                return -1;
            }
        }
        if (reading && (p.revents & (POLLIN | POLLERR | POLLHUP))) {
            char extra;
            int full = got == size;
            ssize_t n = recv(fd, full ? &extra : reply + got, full ? 1 : size - got, MSG_DONTWAIT);
            if (n > 0 && full) {
                errno = EMSGSIZE;
                return -1;
            }
            if (n > 0)
                got += (size_t)n;
            else if (n == 0 || errno == ECONNRESET)
                reading = 0;
            else if (errno != EAGAIN && errno != EINTR)
                return -1;
        }
    }
    return (ssize_t)got;
}

static int reap(pid_t pid, int *status)
{
    pid_t r;
    do
        r = waitpid(pid, status, 0);
    while (r == -1 && errno == EINTR);
    return r == -1 ? -1 : 0;
}

ssize_t run_filter(char *const argv[], const void *data, size_t len, char *reply, size_t size, int *status)
{
    int ends[2] = { -1, -1 }, report[2] = { -1, -1 };
    pid_t pid = -1;
    ssize_t result = -1;

    if (!argv || !argv[0] || (!data && len) || (!reply && size) || !status) {
        errno = EINVAL;
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
        return -1;
    if (lift(&ends[1]) == -1 || pipe2(report, O_CLOEXEC) == -1)
        goto out;
    if (lift(&report[1]) == -1)
        goto out;
    pid = fork();
    if (pid == -1)
        goto out;
    if (pid == 0)
        become(argv, ends[1], report[1]);
    close_quietly(&ends[1]);
    close_quietly(&report[1]);

    int problem = 0;
    ssize_t n;
    do
        n = read(report[0], &problem, sizeof problem);
    while (n == -1 && errno == EINTR);
    if (n == (ssize_t)sizeof problem)
        errno = problem;
    else if (n == 0)
        result = pump(ends[0], data, len, reply, size);
out:
    if (pid > 0) {
        int raw, saved = errno;
        if (result == -1)
            kill(pid, SIGKILL);
        if (reap(pid, &raw) == -1) {
            if (result != -1)
                saved = errno;
            result = -1;
        } else if (result != -1) {
            *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw);
        }
        errno = saved;
    }
    close_quietly(&ends[0]);
    close_quietly(&ends[1]);
    close_quietly(&report[0]);
    close_quietly(&report[1]);
    return result;
}
