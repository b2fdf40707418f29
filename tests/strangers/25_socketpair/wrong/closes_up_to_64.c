/*
 * expect: fail
 * gap: inherited-descriptors
 * cause: The child closes descriptors 3 to 63 only, the old MAXFD habit, so an inheritable descriptor with a higher number still reaches the program.
 * shows: in the program's descriptor list when the caller left one of 64 or more inheritable
 * says: the program is started with 1 descriptor of its caller's open: it has 0, 1, 2, 3, 999
 */
#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAXFD 64

static void program(char *const argv[], int sock, int *why)
{
    int fd;

    if (sock <= 2)
        sock = fcntl(sock, F_DUPFD, 3);
    if (sock == -1 || dup2(sock, STDIN_FILENO) == -1 || dup2(sock, STDOUT_FILENO) == -1) {
        *why = errno;
        _exit(127);
    }
    for (fd = 3; fd < MAXFD; fd++)
        close(fd);
    execvp(argv[0], argv);
    *why = errno;
    _exit(127);
}

static int send_part(int fd, const char **data, size_t *len)
{
    if (*len > 0) {
        ssize_t n = send(fd, *data, *len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n == -1)
            return errno == EAGAIN || errno == EINTR ? 1 : errno == EPIPE || errno == ECONNRESET ? 0 : -1;
        *data += n;
        *len -= (size_t)n;
        if (*len > 0)
            return 1;
    }
    shutdown(fd, SHUT_WR);
    return 0;
}

static int receive_part(int fd, char *reply, size_t size, size_t *got)
{
    char surplus;
    ssize_t n;
    if (*got == size)
        n = recv(fd, &surplus, 1, MSG_DONTWAIT);
    else
        n = recv(fd, reply + *got, size - *got, MSG_DONTWAIT);
    if (n == -1)
        return errno == EAGAIN || errno == EINTR ? 1 : errno == ECONNRESET ? 0 : -1;
    if (n > 0 && *got == size) {
        errno = EMSGSIZE;
        return -1;
    }
    *got += (size_t)n;
    return n > 0;
}

ssize_t run_filter(char *const argv[], const void *data, size_t len, char *reply, size_t size, int *status)
{
    int sv[2], *why, error = 0, raw = 0, sending = 1, receiving = 1;
    const char *next = data;
    size_t got = 0;
    pid_t pid;

    if (argv == NULL || argv[0] == NULL || status == NULL || (next == NULL && len) || (reply == NULL && size)) {
        errno = EINVAL;
        return -1;
    }
    why = mmap(NULL, sizeof *why, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (why == MAP_FAILED)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == -1) {
        error = errno;
        munmap(why, sizeof *why);
        errno = error;
        return -1;
    }
    pid = fork();
    if (pid == 0)
        program(argv, sv[1], why);
    if (pid == -1)
        error = errno;
    close(sv[1]);
    while (error == 0 && (sending || receiving)) {
        struct pollfd p = { .fd = sv[0] };
        if (sending)
            p.events |= POLLOUT;
        if (receiving)
            p.events |= POLLIN;
        if (poll(&p, 1, -1) == -1) {
            if (errno != EINTR)
                error = errno;
            continue;
        }
        if (sending && (sending = send_part(sv[0], &next, &len)) == -1)
            error = errno;
        else if (receiving && (receiving = receive_part(sv[0], reply, size, &got)) == -1)
            error = errno;
    }
    if (pid > 0) {
        if (error != 0)
            kill(pid, SIGKILL);
        while (waitpid(pid, &raw, 0) == -1 && errno == EINTR)
            ;
    }
    if (*(volatile int *)why != 0)
        error = *why;
    munmap(why, sizeof *why);
    close(sv[0]);
    if (error != 0) {
        errno = error;
        return -1;
    }
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw);
    return (ssize_t)got;
}
