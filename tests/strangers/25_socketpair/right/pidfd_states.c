/*
 * expect: pass
 * gap: none
 * cause: A small state machine on sendmsg and recvmsg with ppoll, a descriptor-lifting child and a wait by pidfd where the kernel has one; every exit goes through one clean-up.
 * shows: never
 */
#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

typedef enum { BOTH = 3, ONLY_IN = 1, ONLY_OUT = 2, NEITHER = 0 } state;

typedef struct {
    int sock, told, pidfd;
    pid_t pid;
} program;

static void shut(int *fd)
{
    if (*fd != -1) {
        int e = errno;
        close(*fd);
        *fd = -1;
        errno = e;
    }
}

static int hide(int fd)
{
    int r = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    shut(&fd);
    return r;
}

static void in_child(char *const argv[], int sock, int tell)
{
    int e = 0;
    for (int fd = 0; fd <= 1 && e == 0; fd++)
        while (dup2(sock, fd) == -1)
            if (errno != EINTR) {
                e = errno;
                break;
            }
    if (e == 0) {
        /* everything but the report: below it and above it */
        if ((tell > 3 && close_range(3, (unsigned)tell - 1, 0) == -1) || close_range((unsigned)tell + 1, ~0U, 0) == -1) {
            long top = sysconf(_SC_OPEN_MAX);
            for (int fd = 3; fd < top; fd++)
                if (fd != tell)
                    close(fd);
        }
        execvp(argv[0], argv);
        e = errno;
    }
    while (write(tell, &e, sizeof e) == -1 && errno == EINTR)
        ;
    _exit(126);
}

static int launch(program *p, char *const argv[])
{
    int sv[2], pv[2], inner = -1, tell = -1;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1)
        return -1;
    p->sock = sv[0];
    if ((inner = hide(sv[1])) == -1)
        return -1;
    if (pipe2(pv, O_CLOEXEC) == -1) {
        shut(&inner);
        return -1;
    }
    p->told = pv[0];
    if ((tell = hide(pv[1])) != -1 && (p->pid = fork()) == 0)
        in_child(argv, inner, tell);
    shut(&inner);
    shut(&tell);
    if (p->pid == -1)
        return -1;
#ifdef SYS_pidfd_open
    p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
#endif
    int e;
    ssize_t n;
    while ((n = read(p->told, &e, sizeof e)) == -1 && errno == EINTR)
        ;
    if (n > 0)
        errno = e;
    return n == 0 ? 0 : -1;
}

static state after_write(program *p, struct iovec *out, state s, int *failed)
{
    if (out->iov_len > 0) {
        struct msghdr m = { .msg_iov = out, .msg_iovlen = 1 };
        ssize_t n = sendmsg(p->sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n == -1) {
            if (errno == EAGAIN || errno == EINTR)
                return s;
            if (errno != EPIPE && errno != ECONNRESET)
                *failed = 1;
            return s & ~ONLY_OUT;
        }
        out->iov_base = (char *)out->iov_base + n;
        out->iov_len -= (size_t)n;
    }
    if (out->iov_len > 0)
        return s;
    shutdown(p->sock, SHUT_WR);
    return s & ~ONLY_OUT;
}

static state after_read(program *p, struct iovec *in, state s, int *failed)
{
    char surplus;
    struct iovec two[2] = { *in, { &surplus, 1 } };
    struct msghdr m = { .msg_iov = in->iov_len ? two : two + 1, .msg_iovlen = in->iov_len ? 2 : 1 };
    ssize_t n = recvmsg(p->sock, &m, MSG_DONTWAIT);

    if (n == -1) {
        if (errno == EAGAIN || errno == EINTR)
            return s;
        if (errno != ECONNRESET)
            *failed = 1;
        return s & ~ONLY_IN;
    }
    if (n == 0)
        return s & ~ONLY_IN;
    if ((size_t)n > in->iov_len) {
        errno = EMSGSIZE;
        *failed = 1;
        return NEITHER;
    }
    in->iov_base = (char *)in->iov_base + n;
    in->iov_len -= (size_t)n;
    return s;
}

static int exchange(program *p, struct iovec *out, struct iovec *in)
{
    int failed = 0;
    for (state s = BOTH; s != NEITHER && !failed;) {
        struct pollfd f = { .fd = p->sock };
        f.events = (short)(((s & ONLY_IN) ? POLLIN : 0) | ((s & ONLY_OUT) ? POLLOUT : 0));
        if (ppoll(&f, 1, NULL, NULL) == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        int any = f.revents & (POLLERR | POLLHUP);
        if ((s & ONLY_OUT) && (any || (f.revents & POLLOUT)))
            s = after_write(p, out, s, &failed);
        if (!failed && (s & ONLY_IN) && (any || (f.revents & POLLIN)))
            s = after_read(p, in, s, &failed);
    }
    return failed ? -1 : 0;
}

static int collect(program *p, int *code)
{
    siginfo_t info;
    for (;;) {
        info.si_pid = 0;
        int r = p->pidfd >= 0 ? waitid(P_PIDFD, (id_t)p->pidfd, &info, WEXITED) : waitid(P_PID, (id_t)p->pid, &info, WEXITED);
        if (r == 0) {
            *code = info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
            return 0;
        }
        if (errno == EINVAL && p->pidfd >= 0)
            shut(&p->pidfd);
        else if (errno != EINTR)
            return -1;
    }
}

ssize_t run_filter(char *const argv[], const void *data, size_t len, char *reply, size_t size, int *status)
{
    program p = { -1, -1, -1, -1 };
    struct iovec out = { (void *)data, len }, in = { reply, size };
    int code = 0, ok, e;

    if (!(argv && argv[0] && status && (data || !len) && (reply || !size))) {
        errno = EINVAL;
        return -1;
    }
    ok = launch(&p, argv) == 0 && exchange(&p, &out, &in) == 0;
    e = errno;
    if (p.pid > 0) {
        if (!ok)
            kill(p.pid, SIGKILL);
        if (collect(&p, &code) == -1 && ok) {
            ok = 0;
            e = errno;
        }
    }
    shut(&p.sock);
    shut(&p.told);
    shut(&p.pidfd);
    if (!ok) {
        errno = e;
        return -1;
    }
    *status = code;
    return (ssize_t)(size - in.iov_len);
}
