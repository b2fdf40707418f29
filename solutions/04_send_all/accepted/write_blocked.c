/* Send a whole buffer with write(), which has no flags: SIGPIPE is blocked
   meanwhile, and taken off the queue if it came. */

#include "send_all.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static int write_all(int fd, const char *p, const char *end)
{
    while (p != end) {
        ssize_t n = write(fd, p, (size_t)(end - p));

        if (n >= 0)
            p += n;
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

int send_all(int fd, const void *data, size_t len)
{
    const struct timespec at_once = { 0, 0 };
    sigset_t broken_pipe, before, pending;
    int result, error;

    if (len == 0)
        return 0;
    if (data == NULL) {
        errno = EINVAL;
        return -1;
    }
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    sigprocmask(SIG_BLOCK, &broken_pipe, &before);
    sigpending(&pending);

    result = write_all(fd, data, (const char *)data + len);
    error = errno;
    if (result == -1 && error == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&broken_pipe, NULL, &at_once);

    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return result;
}
