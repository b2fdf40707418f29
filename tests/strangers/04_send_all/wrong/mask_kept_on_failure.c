/*
 * expect: fail
 * gap: other
 * cause: SIGPIPE is blocked for the call, and the way out after an error forgets to put the old mask back.
 * shows: A send that fails, and a look at the signal mask after it.
 * says: SIGPIPE is still blocked
 */
#include "send_all.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

int send_all(int fd, const void *data, size_t len)
{
    sigset_t block, old;
    size_t done = 0;

    if (!data && len) {
        errno = EINVAL;
        return -1;
    }
    sigemptyset(&block);
    sigaddset(&block, SIGPIPE);
    if (sigprocmask(SIG_BLOCK, &block, &old) == -1)
        return -1;
    while (done < len) {
        ssize_t n = write(fd, (const char *)data + done, len - done);
        if (n >= 0) {
            done += (size_t)n;
        } else if (errno != EINTR) {
            int error = errno;
            if (error == EPIPE)
                sigtimedwait(&block, NULL, &(struct timespec){ 0, 0 });
            errno = error;
            return -1;
        }
    }
    return sigprocmask(SIG_SETMASK, &old, NULL);
}
