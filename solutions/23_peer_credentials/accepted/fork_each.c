/* A child for each client; the parent reaps them before it accepts the next. */

#define _GNU_SOURCE
#include "peer_credentials.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    union { struct ucred cred; unsigned char room[64]; } answer;
    socklen_t length = sizeof answer;

    if (pid == NULL || uid == NULL || gid == NULL)
        return errno = EINVAL, -1;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &answer, &length))
        return -1;
    if (!~answer.cred.uid)
        return errno = ENOTCONN, -1;
    *pid = answer.cred.pid, *uid = answer.cred.uid, *gid = answer.cred.gid;
    return 0;
}

static int compare(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

    return (x > y) - (x < y);
}

static void attend(int fd, const unsigned *sorted, size_t count)
{
    const char *words = "denied\n";
    unsigned uid, gid;
    size_t left;
    int pid;

    if (peer_of(fd, &pid, &uid, &gid) == 0 && count > 0 &&
        bsearch(&uid, sorted, count, sizeof *sorted, compare))
        words = "welcome\n";
    for (left = strlen(words); left > 0;) {
        ssize_t n = write(fd, words, left);

        if (n == -1 && errno != EINTR)
            break;
        if (n > 0) {
            words += n;
            left -= (size_t)n;
        }
    }
}

static int pass(int error)
{
    return error != EBADF && error != EINVAL && error != ENOTSOCK && error != EFAULT;
}

static int accept_loop(int listener, const unsigned *sorted, size_t count)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL), error = errno;

        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (fd == -1) {
            if (!pass(error))
                return error;
            usleep(20000);
            continue;
        }
        switch (fork()) {
        case 0:
            close(listener);
            attend(fd, sorted, count);
            _exit(0);
        case -1:
            attend(fd, sorted, count);  /* then without a child */
            break;
        default:
            break;
        }
        close(fd);
    }
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un sun;
    struct stat own, now;
    unsigned *sorted = NULL;
    int listener, error;

    if (*path == '\0' || (allowed == NULL && count != 0))
        return errno = EINVAL, -1;
    if (strnlen(path, 108) == 108)
        return errno = ENAMETOOLONG, -1;
    memset(&sun, 0, sizeof sun);
    sun.sun_family = AF_UNIX;
    strncpy(sun.sun_path, path, sizeof sun.sun_path);
    listener = socket(PF_UNIX, SOCK_STREAM, 0);
    if (listener == -1)
        return -1;
    if (bind(listener, (struct sockaddr *)&sun, sizeof sun) == -1) {
        error = errno;
        goto closed;
    }
    if (count > 0) {
        sorted = malloc(count * sizeof *sorted);
        if (sorted == NULL) {
            error = ENOMEM;
            goto removed;
        }
        memcpy(sorted, allowed, count * sizeof *sorted);
        qsort(sorted, count, sizeof *sorted, compare);
    }
    if (stat(path, &own) == -1 || chmod(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH) == -1 ||
        listen(listener, SOMAXCONN) == -1) {
        error = errno;
        goto removed;
    }
    signal(SIGPIPE, SIG_IGN);
    error = accept_loop(listener, sorted, count);
    if (lstat(path, &now) == -1 || now.st_ino != own.st_ino || now.st_dev != own.st_dev)
        goto closed;
removed:
    unlink(path);
closed:
    free(sorted);
    close(listener);
    errno = error;
    return -1;
}
