/*
 * expect: fail
 * gap: other
 * cause: The pair is of type SOCK_SEQPACKET, where a read that is smaller than the record loses the rest of it; a filter expects a stream of bytes.
 * shows: when the program reads in pieces smaller than 4096 bytes (dd bs=512, sh's read), or asks for the socket's type
 * says: socketpair(SOCK_SEQPACKET) makes no stream: what a program leaves of a message when it reads is lost
 */
#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD 4096

static void child_side(char *const argv[], int fd, volatile int *reason)
{
    int n = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (n >= 0 && dup2(n, 0) >= 0 && dup2(n, 1) >= 0 && close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        execvp(argv[0], argv);
    *reason = errno;
    _exit(127);
}

static int parent_side(int fd, const char *data, size_t len, char *reply, size_t size, size_t *got)
{
    char *record = malloc(1 << 20);     /* the longest record that a program may write */
    short ask = POLLIN | POLLOUT;
    int e = 0;

    if (record == NULL)
        return ENOMEM;
    while (ask != 0 && e == 0) {
        struct pollfd p = { .fd = fd, .events = ask };
        ssize_t n;

        if (poll(&p, 1, -1) == -1) {
            if (errno != EINTR)
                e = errno;
            continue;
        }
        if (ask & POLLOUT && p.revents & ~POLLIN) {
            n = 0;
            if (len > 0)
                n = send(fd, data, len < RECORD ? len : RECORD, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n >= 0) {
                data += n;
                len -= (size_t)n;
                if (len == 0)
                    shutdown(fd, SHUT_WR);
            }
            if (n >= 0 ? len == 0 : (errno == EPIPE || errno == ECONNRESET))
                ask &= ~POLLOUT;
            else if (n < 0 && errno != EAGAIN && errno != EINTR)
                e = errno;
        }
        if (ask & POLLIN && p.revents & ~POLLOUT && e == 0) {
            n = recv(fd, record, 1 << 20, MSG_DONTWAIT);
            if (n == 0 || (n < 0 && errno == ECONNRESET)) {
                ask &= ~POLLIN;
            } else if (n < 0) {
                if (errno != EAGAIN && errno != EINTR)
                    e = errno;
            } else if ((size_t)n > size - *got) {
                e = EMSGSIZE;
            } else {
                memcpy(reply + *got, record, (size_t)n);
                *got += (size_t)n;
            }
        }
    }
    free(record);
    return e;
}

ssize_t run_filter(char *const argv[], const void *data, size_t len, char *reply, size_t size, int *status)
{
    int pair[2], e = 0, raw = 0;
    volatile int *reason;
    size_t got = 0;
    pid_t pid;

    if (argv == NULL || argv[0] == NULL || status == NULL || (data == NULL && len) || (reply == NULL && size)) {
        errno = EINVAL;
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
        return -1;
    reason = mmap(NULL, sizeof *reason, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reason == MAP_FAILED) {
        e = errno;
        close(pair[0]);
        close(pair[1]);
        errno = e;
        return -1;
    }
    pid = fork();
    if (pid == 0)
        child_side(argv, pair[1], reason);
    if (pid == -1)
        e = errno;
    close(pair[1]);
    if (pid > 0) {
        e = parent_side(pair[0], data, len, reply, size, &got);
        if (e != 0)
            kill(pid, SIGKILL);
        while (waitpid(pid, &raw, 0) == -1 && errno == EINTR)
            ;
        if (*reason != 0)
            e = *reason;
    }
    munmap((void *)reason, sizeof *reason);
    close(pair[0]);
    if (e != 0) {
        errno = e;
        return -1;
    }
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw);
    return (ssize_t)got;
}
