/*
 * expect: fail
 * gap: other
 * cause: SIGPIPE is ignored for the call and set to SIG_DFL after it, whatever it was before: the caller's own handler is gone.
 * shows: A caller that has a handler for SIGPIPE, or ignores it.
 * says: SIGPIPE has its default action, and not the caller's handler
 */
#include "send_all.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>

int send_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    int rc = 0;

    if (!data && len) {
        errno = EINVAL;
        return -1;
    }
    signal(SIGPIPE, SIG_IGN);
    while (len) {
        ssize_t n = send(fd, p, len, 0);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            rc = -1;
            break;
        }
        p += n;
        len -= (size_t)n;
    }
    signal(SIGPIPE, SIG_DFL);
    return rc;
}
