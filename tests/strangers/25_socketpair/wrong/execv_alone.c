/* expect: fail
 * gap: other
 * cause: execv() does not look in PATH.
 * shows: A program by its name.
 * says: returned -1 with ENOENT; expected 18 bytes
 */
/* One child becomes the program, another one feeds it; the parent reads. */

#define _GNU_SOURCE
#include "socketpair.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int reap(pid_t pid)
{
    int how;

    while (waitpid(pid, &how, 0) == -1)
        if (errno != EINTR)
            return -1;
    return WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
}

/* Leave only 0, 1 and 2 to the program. */
static void keep_to_ourselves(void)
{
    DIR *all = opendir("/proc/self/fd");
    struct dirent *one;

    while (all && (one = readdir(all)) != NULL)
        if (atoi(one->d_name) > 2)
            fcntl(atoi(one->d_name), F_SETFD, FD_CLOEXEC);
    if (all)
        closedir(all);
}

static pid_t program(char *const argv[], int end)
{
    int tell[2], error = 0, n;
    pid_t pid;

    if (pipe2(tell, O_CLOEXEC) == -1)
        return -1;
    if ((pid = fork()) == 0) {
        while (end < 3)
            end = dup(end);
        while (tell[1] < 3)
            tell[1] = dup(tell[1]);
        dup2(end, STDIN_FILENO);
        dup2(end, STDOUT_FILENO);
        keep_to_ourselves();
        execv(*argv, argv);
        error = errno;
        write(tell[1], &error, sizeof error);
        _exit(1);
    }
    error = pid == -1 ? errno : 0;
    close(tell[1]);
    while ((n = (int)read(tell[0], &error, sizeof error)) == -1 && errno == EINTR)
        ;
    close(tell[0]);
    if (n > 0)
        reap(pid);
    if (error) {
        errno = error;
        return -1;
    }
    return pid;
}

static pid_t feeder(int fd, const char *data, size_t len)
{
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    for (ssize_t n; len > 0; data += n, len -= (size_t)n) {
        n = send(fd, data, len, MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            n = 0;
        else if (n == -1)
            _exit(errno == EPIPE || errno == ECONNRESET ? 0 : errno);
    }
    shutdown(fd, SHUT_WR);
    _exit(0);
}

ssize_t run_filter(char *const argv[], const void *data, size_t len,
                   char *reply, size_t size, int *status)
{
    int sock[2], error = 0;
    pid_t child, helper = -1;
    size_t used = 0;

    if (status == NULL || (len && data == NULL) || (size && reply == NULL))
        return errno = EINVAL, -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock))
        return -1;
    child = program(argv, sock[1]);
    error = child == -1 ? errno : 0;
    close(sock[1]);
    if (child != -1 && (helper = feeder(sock[0], data, len)) == -1)
        error = errno;
    while (!error) {
        char extra;
        ssize_t n = recv(sock[0], used < size ? reply + used : &extra,
                         used < size ? size - used : 1, 0);

        if (n == 0)
            break;
        if (n > 0 && used == size)
            error = EMSGSIZE;
        else if (n > 0)
            used += (size_t)n;
        else if (errno == ECONNRESET)
            break;
        else if (errno != EINTR)
            error = errno;
    }
    if (helper != -1) {
        if (error)
            kill(helper, SIGKILL);
        int fed = reap(helper);
        if (!error && fed > 0)
            error = fed;
    }
    if (child != -1) {
        if (error)
            kill(child, SIGKILL);
        *status = reap(child);
    }
    close(sock[0]);
    errno = error;
    return error ? -1 : (ssize_t)used;
}
