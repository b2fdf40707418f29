/*
 * expect: fail
 * gap: interrupted-call
 * cause: waitpid is called once; when a signal interrupts it the function reports EINTR and leaves the program behind unreaped.
 * shows: when a handler without SA_RESTART runs while the program has closed its output but not yet exited
 * says: waitpid() was interrupted by a signal (EINTR), and not called again
 */
#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;
    int fd;
};

static int open_child(struct child *c, char *const argv[])
{
    int sv[2], ev[2], in, tell, code = 0;
    ssize_t n;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ev) == -1) {
        code = errno;
        close(sv[0]);
        close(sv[1]);
        errno = code;
        return -1;
    }
    in = fcntl(sv[1], F_DUPFD_CLOEXEC, 3);
    tell = in == -1 ? -1 : fcntl(ev[1], F_DUPFD_CLOEXEC, 3);
    c->pid = tell == -1 ? -1 : fork();
    if (c->pid == 0) {
        dup2(in, 0);
        dup2(in, 1);
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        execvp(argv[0], argv);
        code = errno;
        send(tell, &code, sizeof code, MSG_NOSIGNAL);
        _exit(127);
    }
    code = errno;
    close(sv[1]);
    close(ev[1]);
    if (in != -1)
        close(in);
    if (tell != -1)
        close(tell);
    if (c->pid > 0) {
        do
            n = recv(ev[0], &code, sizeof code, 0);
        while (n == -1 && errno == EINTR);
        if (n == 0)
            code = 0;
        else
            while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
                ;
    }
    close(ev[0]);
    if (code != 0) {
        close(sv[0]);
        errno = code;
        return -1;
    }
    c->fd = sv[0];
    return 0;
}

static void kill_child(struct child *c)
{
    int e = errno;
    kill(c->pid, SIGKILL);
    while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
        ;
    close(c->fd);
    errno = e;
}

static int close_child(struct child *c)
{
    int raw;
    close(c->fd);
    if (waitpid(c->pid, &raw, 0) == -1)
        return -1000;
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw);
}

static ssize_t exchange(int fd, const char *data, size_t len, char *reply, size_t size)
{
    size_t got = 0;
    short want = POLLIN | POLLOUT;

    while (want) {
        struct pollfd p = { fd, want, 0 };
        if (poll(&p, 1, -1) == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (want & POLLOUT) {
            ssize_t n = 0;
            if (len)
                n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n >= 0) {
                data += n;
                if ((len -= (size_t)n) == 0) {
                    shutdown(fd, SHUT_WR);
                    want &= ~POLLOUT;
                }
            } else if (errno == EPIPE || errno == ECONNRESET) {
                want &= ~POLLOUT;
            } else if (errno != EAGAIN && errno != EINTR) {
                return -1;
            }
        }
        if (want & POLLIN) {
            char rest;
            struct iovec v[2] = { { reply + got, size - got }, { &rest, 1 } };
            struct msghdr m = { .msg_iov = v, .msg_iovlen = 2 };
            ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT);
            if (n == 0 || (n == -1 && errno == ECONNRESET)) {
                want &= ~POLLIN;
            } else if (n == -1 && errno != EAGAIN && errno != EINTR) {
                return -1;
            } else if (n > 0) {
                if ((size_t)n > size - got) {
                    errno = EMSGSIZE;
                    return -1;
                }
                got += (size_t)n;
            }
        }
    }
    return (ssize_t)got;
}

ssize_t run_filter(char *const argv[], const void *data, size_t len, char *reply, size_t size, int *status)
{
    struct child c;
    ssize_t n;
    int code;

    if (!argv || !argv[0] || !status || (!data && len > 0) || (!reply && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    if (open_child(&c, argv) == -1)
        return -1;
    n = exchange(c.fd, data, len, reply, size);
    if (n == -1) {
        kill_child(&c);
        return -1;
    }
    code = close_child(&c);
    if (code == -1000)
        return -1;
    *status = code;
    return n;
}
