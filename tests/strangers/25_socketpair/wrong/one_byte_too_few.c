/* expect: fail
 * gap: other
 * cause: A reply that fills the buffer is called too long.
 * shows: A reply of exactly size bytes.
 * says: returned -1 with EMSGSIZE; expected 1048576 bytes
 */
/* Run a program with one socket as its standard input and output. */

#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: become the program.  Where that fails, errno goes to report. */
static void become(char *const argv[], int end, int report)
{
    int error;

    /* Above 0, 1 and 2, which either may have if the caller has closed them. */
    end = fcntl(end, F_DUPFD_CLOEXEC, 3);
    report = fcntl(report, F_DUPFD_CLOEXEC, 3);
    if (dup2(end, 0) == 0 && dup2(end, 1) == 1 &&
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        execvp(argv[0], argv);
    error = errno;
    write(report, &error, sizeof error);
    _exit(127);
}

/* Start the program, with end as its standard input and output.  Returns its
   process, or -1 with errno set. */
static pid_t start(char *const argv[], int end)
{
    int report[2], error = 0;
    pid_t child;
    ssize_t n;

    if (pipe2(report, O_CLOEXEC) == -1)
        return -1;
    child = fork();
    if (child == 0)
        become(argv, end, report[1]);
    if (child == -1)
        error = errno;
    close(report[1]);
    do                          /* nothing comes if the program is executed */
        n = read(report[0], &error, sizeof error);
    while (n == -1 && errno == EINTR);
    close(report[0]);
    if (error == 0)
        return child;
    while (child != -1 && waitpid(child, NULL, 0) == -1 && errno == EINTR)
        continue;
    errno = error;
    return -1;
}

/* Send len bytes of data and their end on fd, while the reply is read, to its end.
   Returns the length of the reply, or -1 with errno set. */
static ssize_t converse(int fd, const char *data, size_t len, char *reply,
                        size_t size)
{
    int sending = 1, reading = 1;
    size_t got = 0;

    while (sending || reading) {
        struct pollfd p = { .fd = fd };
        char surplus;
        ssize_t n;

        p.events = (short)((sending ? POLLOUT : 0) | (reading ? POLLIN : 0));
        if (poll(&p, 1, -1) == -1) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        if (sending && p.revents & (POLLOUT | POLLHUP | POLLERR)) {
            n = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n >= 0) {
                data += n;
                len -= (size_t)n;
            } else if (errno == EPIPE || errno == ECONNRESET) {
                len = 0;        /* it wants no more */
            } else if (errno != EINTR && errno != EAGAIN) {
                return -1;
            }
            if (len == 0) {
                shutdown(fd, SHUT_WR);
                sending = 0;
            }
        }
        if (reading && p.revents & (POLLIN | POLLHUP | POLLERR)) {
            n = recv(fd, got < size ? reply + got : &surplus,
                     got < size ? size - got : 1, MSG_DONTWAIT);
            if (n > 0 && got + (size_t)n >= size) {
                errno = EMSGSIZE;
                return -1;
            }
            if (n > 0)
                got += (size_t)n;
            else if (n == 0 || errno == ECONNRESET)
                reading = 0;    /* at its end, with or without input unread */
            else if (errno != EINTR && errno != EAGAIN)
                return -1;
        }
    }
    return (ssize_t)got;
}

ssize_t run_filter(char *const argv[], const void *data, size_t len,
                   char *reply, size_t size, int *status)
{
    int pair[2], error, how = 0;
    ssize_t got = -1;
    pid_t child;

    if (status == NULL || (data == NULL && len > 0) ||
        (reply == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
        return -1;
    child = start(argv, pair[1]);
    error = errno;
    close(pair[1]);             /* the program's end, which it alone may have */
    if (child != -1) {
        got = converse(pair[0], data, len, reply, size);
        error = errno;
        if (got == -1)
            kill(child, SIGKILL);
        while (waitpid(child, &how, 0) == -1 && errno == EINTR)
            continue;
    }
    close(pair[0]);
    *status = WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
    errno = error;
    return got;
}
