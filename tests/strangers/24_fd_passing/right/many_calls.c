/*
 * expect: pass
 * gap: none
 * cause: nothing is wrong; sendmmsg with one message, SIGPIPE blocked and eaten instead of MSG_NOSIGNAL, the headers read by recursion
 * shows: never
 */
#define _GNU_SOURCE
#include "fd_passing.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static int quiet_send(int sock, struct mmsghdr *one)
{
    sigset_t pipe_only, before, pending;
    int n, why;

    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    sigpending(&pending);
    do
        n = sendmmsg(sock, one, 1, 0);
    while (n < 0 && errno == EINTR);
    why = errno;
    /* the one that this call has raised, for this thread; one that was there before is left */
    if (n < 0 && why == EPIPE && !sigismember(&pending, SIGPIPE))
        while (sigtimedwait(&pipe_only, NULL, &(struct timespec){ 0, 0 }) < 0 && errno == EINTR)
            ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return n == 1 ? 0 : -1;
}

int send_fd(int sock, int fd)
{
    struct { struct cmsghdr head; int fd[2]; } control;
    char byte = 1;
    struct iovec iov = { &byte, 1 };
    struct mmsghdr one;

    memset(&control, 0, sizeof control);
    memset(&one, 0, sizeof one);
    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    one.msg_hdr.msg_iov = &iov;
    one.msg_hdr.msg_iovlen = 1;
    one.msg_hdr.msg_control = &control;
    one.msg_hdr.msg_controllen = CMSG_SPACE(sizeof(int));
    return quiet_send(sock, &one);
}

/* the first passed descriptor from this header on, or have; all others are closed */
static int pick(struct msghdr *msg, struct cmsghdr *at, int have)
{
    if (at == NULL)
        return have;
    if (at->cmsg_level == SOL_SOCKET) {
        unsigned char *p = CMSG_DATA(at), *end = (unsigned char *)at + at->cmsg_len;
        int passed = at->cmsg_type == SCM_RIGHTS, fd;
        if (passed || at->cmsg_type == 0x04)
            for (; p + sizeof fd <= end; p += sizeof fd) {
                memcpy(&fd, p, sizeof fd);
                if (passed && have < 0)
                    have = fd;
                else if (fd >= 0)
                    close(fd);
            }
    }
    return pick(msg, CMSG_NXTHDR(msg, at), have);
}

int recv_fd(int sock)
{
    enum { room = 6000 };
    _Alignas(struct cmsghdr) char control[room];
    char byte;
    struct iovec iov = { &byte, sizeof byte };
    struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
    ssize_t n;
    int fd;

    do {
        msg.msg_control = control;
        msg.msg_controllen = room;
        n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    } while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    fd = pick(&msg, CMSG_FIRSTHDR(&msg), -1);
    if (fd < 0)
        switch (n) {
        case 0:
            errno = ENODATA;
            break;
        default:
            errno = ENOMSG;
            if (msg.msg_flags & MSG_CTRUNC)
                errno = EMFILE;
        }
    return fd;
}
