/*
 * syscall(), a call by its number.  A call that the trace knows goes to that call's
 * own wrapper; one that touches nothing of what is judged goes through; any other is
 * recorded, and not made: ENOSYS, which a kernel without it says, too.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

int __wrap_socket(int, int, int);
int __wrap_socketpair(int, int, int, int[2]);
int __wrap_bind(int, const struct sockaddr *, socklen_t);
int __wrap_listen(int, int);
int __wrap_accept(int, struct sockaddr *, socklen_t *);
int __wrap_accept4(int, struct sockaddr *, socklen_t *, int);
int __wrap_connect(int, const struct sockaddr *, socklen_t);
int __wrap_shutdown(int, int);
int __wrap_setsockopt(int, int, int, const void *, socklen_t);
int __wrap_getsockopt(int, int, int, void *, socklen_t *);
ssize_t __wrap_sendto(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
ssize_t __wrap_sendmsg(int, const struct msghdr *, int);
ssize_t __wrap_recvfrom(int, void *, size_t, int, struct sockaddr *, socklen_t *);
ssize_t __wrap_recvmsg(int, struct msghdr *, int);
ssize_t __wrap_read(int, void *, size_t);
ssize_t __wrap_readv(int, const struct iovec *, int);
ssize_t __wrap_write(int, const void *, size_t);
ssize_t __wrap_writev(int, const struct iovec *, int);
int __wrap_close(int);
int __wrap_dup(int);
int __wrap_dup3(int, int, int);
int __wrap_pipe2(int[2], int);
int __wrap_fcntl(int, int, ...);
int __wrap_ioctl(int, unsigned long, ...);
int __wrap_kill(pid_t, int);
pid_t __wrap_wait4(pid_t, int *, int, struct rusage *);
int __wrap_waitid(idtype_t, id_t, siginfo_t *, int);

static long refused(long number)
{
    struct call call = trace_enter(OP_SYSCALL, CALLER, -1, number, 0, 0, 0);

    errno = ENOSYS;
    return trace_leave(&call, -1);
}

/* The arguments are numbers or pointers; the call takes as many as it has. */
#define NUM(type, n) ((type)a[n])
#define PTR(n) ((void *)a[n])

static long by_number(long number, const long a[6])
{
    switch (number) {
    case SYS_socket:
        return __wrap_socket(NUM(int, 0), NUM(int, 1), NUM(int, 2));
    case SYS_socketpair:
        return __wrap_socketpair(NUM(int, 0), NUM(int, 1), NUM(int, 2), PTR(3));
    case SYS_bind:
        return __wrap_bind(NUM(int, 0), PTR(1), NUM(socklen_t, 2));
    case SYS_listen:
        return __wrap_listen(NUM(int, 0), NUM(int, 1));
    case SYS_accept:
        return __wrap_accept(NUM(int, 0), PTR(1), PTR(2));
    case SYS_accept4:
        return __wrap_accept4(NUM(int, 0), PTR(1), PTR(2), NUM(int, 3));
    case SYS_connect:
        return __wrap_connect(NUM(int, 0), PTR(1), NUM(socklen_t, 2));
    case SYS_shutdown:
        return __wrap_shutdown(NUM(int, 0), NUM(int, 1));
    case SYS_setsockopt:
        return __wrap_setsockopt(NUM(int, 0), NUM(int, 1), NUM(int, 2), PTR(3),
                                 NUM(socklen_t, 4));
    case SYS_getsockopt:
        return __wrap_getsockopt(NUM(int, 0), NUM(int, 1), NUM(int, 2), PTR(3), PTR(4));
    case SYS_sendto:
        return __wrap_sendto(NUM(int, 0), PTR(1), NUM(size_t, 2), NUM(int, 3), PTR(4),
                             NUM(socklen_t, 5));
    case SYS_sendmsg:
        return __wrap_sendmsg(NUM(int, 0), PTR(1), NUM(int, 2));
    case SYS_recvfrom:
        return __wrap_recvfrom(NUM(int, 0), PTR(1), NUM(size_t, 2), NUM(int, 3), PTR(4),
                               PTR(5));
    case SYS_recvmsg:
        return __wrap_recvmsg(NUM(int, 0), PTR(1), NUM(int, 2));
    case SYS_read:
        return __wrap_read(NUM(int, 0), PTR(1), NUM(size_t, 2));
    case SYS_readv:
        return __wrap_readv(NUM(int, 0), PTR(1), NUM(int, 2));
    case SYS_write:
        return __wrap_write(NUM(int, 0), PTR(1), NUM(size_t, 2));
    case SYS_writev:
        return __wrap_writev(NUM(int, 0), PTR(1), NUM(int, 2));
    case SYS_close:
        return __wrap_close(NUM(int, 0));
    case SYS_dup:
        return __wrap_dup(NUM(int, 0));
    case SYS_dup3:
        return __wrap_dup3(NUM(int, 0), NUM(int, 1), NUM(int, 2));
    case SYS_pipe2:
        return __wrap_pipe2(PTR(0), NUM(int, 1));
    case SYS_fcntl:
        return __wrap_fcntl(NUM(int, 0), NUM(int, 1), a[2]);
    case SYS_ioctl:
        return __wrap_ioctl(NUM(int, 0), NUM(unsigned long, 1), a[2]);
    case SYS_kill:
        return __wrap_kill(NUM(pid_t, 0), NUM(int, 1));
    case SYS_wait4:
        return __wrap_wait4(NUM(pid_t, 0), PTR(1), NUM(int, 2), PTR(3));
    case SYS_waitid:
        if (!a[4])              /* the C function has no place for the usage */
            return __wrap_waitid(NUM(idtype_t, 0), NUM(id_t, 1), PTR(2), NUM(int, 3));
        return refused(number);
#ifdef SYS_close_range
    case SYS_close_range:
#endif
#ifdef SYS_pidfd_open
    case SYS_pidfd_open:
    case SYS_pidfd_send_signal:
#endif
    case SYS_getpid:
    case SYS_getppid:
    case SYS_gettid:
    case SYS_getrandom:
    case SYS_memfd_create:
    case SYS_futex:
    case SYS_sched_yield:
    case SYS_prctl:
        return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    default:
        return refused(number);
    }
}

long __wrap_syscall(long number, ...)
{
    long a[6], result;
    va_list ap;

    va_start(ap, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    trace_stand_for(CALLER);
    result = by_number(number, a);
    trace_stand_for(0);
    return result;
}
