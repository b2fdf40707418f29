/* A socket that does not block, select(), and descriptors closed one by one. */

#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct filter {
    pid_t pid;
    int fd;
};

static void close_from(int first, int spare)
{
    int most = (int)sysconf(_SC_OPEN_MAX);

    for (int fd = first; fd < most; fd++)
        if (fd != spare)
            close(fd);
}

static bool open_filter(struct filter *f, char *const argv[])
{
    int pair[2], words[2], sent = 0;

    if (pipe(words) == -1)
        return false;
    if (socketpair(AF_LOCAL, SOCK_STREAM, 0, pair) == -1) {
        sent = errno;
        close(words[0]);
        close(words[1]);
        errno = sent;
        return false;
    }
    f->fd = pair[0];
    f->pid = fork();
    if (f->pid == 0) {
        int in = fcntl(pair[1], F_DUPFD, 10), out = fcntl(words[1], F_DUPFD, 10);

        fcntl(out, F_SETFD, FD_CLOEXEC);
        dup2(in, 0);
        dup2(in, 1);
        close_from(3, out);
        execvp(argv[0], argv);
        sent = errno;
        write(out, &sent, sizeof sent);
        _exit(126);
    }
    if (f->pid == -1)
        sent = errno;
    close(pair[1]);
    close(words[1]);
    while (f->pid > 0 && read(words[0], &sent, sizeof sent) == -1)
        if (errno != EINTR)
            break;
    close(words[0]);
    if (sent == 0)
        return true;
    close(f->fd);
    while (f->pid > 0 && waitpid(f->pid, NULL, 0) == -1 && errno == EINTR)
        ;
    errno = sent;
    return false;
}

static int push(int fd, const char **data, size_t *len)
{
    ssize_t n = send(fd, *data, *len, MSG_NOSIGNAL);

    if (n >= 0) {
        *data += n;
        *len -= (size_t)n;
        return 0;
    }
    switch (errno) {
    case EPIPE:
    case ECONNRESET:
        *len = 0;
        return 0;
    case EINTR:
    case EAGAIN:
        return 0;
    default:
        return errno;
    }
}

static int exchange(int fd, const char *data, size_t len, char *reply,
                    size_t size, size_t *got)
{
    bool more = true, done = false;

    if (len == 0)
        more = shutdown(fd, SHUT_WR) != 0;
    while (more || !done) {
        fd_set in, out;
        int error = 0;

        FD_ZERO(&in);
        FD_ZERO(&out);
        if (!done)
            FD_SET(fd, &in);
        if (more)
            FD_SET(fd, &out);
        if (select(fd + 1, &in, &out, NULL, NULL) == -1) {
            if (errno != EINTR)
                return errno;
            continue;
        }
        if (FD_ISSET(fd, &out)) {
            error = push(fd, &data, &len);
            if (error)
                return error;
            if (len == 0) {
                shutdown(fd, SHUT_WR);
                more = false;
            }
        }
        if (FD_ISSET(fd, &in)) {
            char block[4096];
            ssize_t n = recv(fd, block, sizeof block, 0);

            if (n > 0 && (size_t)n > size - *got)
                return EMSGSIZE;
            if (n > 0) {
                memcpy(reply + *got, block, (size_t)n);
                *got += (size_t)n;
            } else if (n == 0 || errno == ECONNRESET) {
                done = true;
            } else if (errno != EINTR && errno != EAGAIN) {
                return errno;
            }
        }
    }
    return 0;
}

ssize_t run_filter(char *const argv[], const void *data, size_t len,
                   char *reply, size_t size, int *status)
{
    struct filter filter;
    size_t got = 0;
    int error, how = 0;

    if ((!data && len > 0) || (!reply && size > 0) || !status) {
        errno = EINVAL;
        return -1;
    }
    if (!open_filter(&filter, argv))
        return -1;
    fcntl(filter.fd, F_SETFL, fcntl(filter.fd, F_GETFL) | O_NONBLOCK);
    error = exchange(filter.fd, data, len, reply, size, &got);
    if (error)
        kill(filter.pid, SIGKILL);
    while (waitpid(filter.pid, &how, 0) == -1 && errno == EINTR)
        ;
    close(filter.fd);
    if (error) {
        errno = error;
        return -1;
    }
    *status = WIFEXITED(how) ? WEXITSTATUS(how) : -WTERMSIG(how);
    return (ssize_t)got;
}
