/*
 * expect: fail
 * gap: other
 * cause: When sending fails with EPIPE it leaves the loop as if all were done, without reading what the program still has to say or has already said.
 * shows: when a program stops reading a large input early and answers all the same: its reply is cut off or lost
 * says: send() failed with EPIPE: the program reads no more, and what it writes is not received after that
 */
#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int spawn_filter(char *const argv[], pid_t *pid)
{
    posix_spawn_file_actions_t acts;
    int pair[2], high, err;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
        return -1;
    high = fcntl(pair[1], F_DUPFD_CLOEXEC, 3);
    err = high == -1 ? errno : posix_spawn_file_actions_init(&acts);
    if (err == 0) {
        err = posix_spawn_file_actions_adddup2(&acts, high, 0);
        if (err == 0)
            err = posix_spawn_file_actions_adddup2(&acts, high, 1);
        if (err == 0)
            err = posix_spawn_file_actions_addclosefrom_np(&acts, 3);
        if (err == 0)
            err = posix_spawnp(pid, argv[0], &acts, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&acts);
    }
    close(pair[1]);
    if (high != -1)
        close(high);
    if (err != 0) {
        close(pair[0]);
        errno = err;
        return -1;
    }
    return pair[0];
}

static ssize_t pump(int ep, int fd, const char *data, size_t len, char *reply, size_t size)
{
    struct epoll_event ev = { .events = EPOLLIN | EPOLLOUT };
    size_t sent = 0, got = 0;
    ssize_t n;

    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1)
        return -1;
    while (ev.events) {
        struct epoll_event hit;
        if (epoll_wait(ep, &hit, 1, -1) == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if ((ev.events & EPOLLOUT) && (hit.events & ~(unsigned)EPOLLIN)) {
            n = 0;
            if (sent < len)
                n = send(fd, data + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n == -1 && (errno == EPIPE || errno == ECONNRESET))
                break;                  /* the program does not listen any more */
            if (n == -1 && errno != EAGAIN && errno != EINTR)
                return -1;
            if (n > 0)
                sent += (size_t)n;
            if (sent == len) {
                shutdown(fd, SHUT_WR);
                ev.events &= ~(unsigned)EPOLLOUT;
            }
        }
        if ((ev.events & EPOLLIN) && (hit.events & ~(unsigned)EPOLLOUT)) {
            char c;
            n = got == size ? recv(fd, &c, 1, MSG_DONTWAIT) : recv(fd, reply + got, size - got, MSG_DONTWAIT);
            if (n > 0 && got == size) {
                errno = EMSGSIZE;
                return -1;
            }
            if (n > 0)
                got += (size_t)n;
            else if (n == 0 || errno == ECONNRESET)
                ev.events &= ~(unsigned)EPOLLIN;
            else if (errno != EAGAIN && errno != EINTR)
                return -1;
        }
        if (epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev) == -1)
            return -1;
    }
    return (ssize_t)got;
}

ssize_t run_filter(char *const argv[], const void *data, size_t len, char *reply, size_t size, int *status)
{
    int fd, ep, raw = 0, e;
    pid_t pid;
    ssize_t n;

    if (!argv || !argv[0] || !status || (len && !data) || (size && !reply)) {
        errno = EINVAL;
        return -1;
    }
    if ((ep = epoll_create1(EPOLL_CLOEXEC)) == -1)
        return -1;
    if ((fd = spawn_filter(argv, &pid)) == -1) {
        e = errno;
        close(ep);
        errno = e;
        return -1;
    }
    n = pump(ep, fd, data, len, reply, size);
    e = errno;
    if (n == -1)
        kill(pid, SIGKILL);
    close(fd);
    close(ep);
    while (waitpid(pid, &raw, 0) == -1)
        if (errno != EINTR) {
            if (n != -1)
                e = errno;
            n = -1;
            break;
        }
    if (n != -1)
        *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw);
    errno = e;
    return n;
}
