/*
 * expect: fail
 * gap: other
 * cause: both answers are sent with the length of "welcome\n", 8, but "denied\n" has 7 bytes: its closing zero goes out with it
 * shows: a client that is turned away receives 8 bytes, the last of them zero
 * says: send() sends 8 bytes, the last of them the zero that ends the text; the answer has 7
 */
#define _GNU_SOURCE
#include "peer_credentials.h"
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_LEN 8
static const char welcome[] = "welcome\n";
static const char denied[] = "denied\n";

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred cred;
    socklen_t len = sizeof cred;

    if (pid == NULL || uid == NULL || gid == NULL) {
        errno = EINVAL;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
        return -1;
    if (cred.uid == (uid_t)-1) {
        errno = ENOTCONN;
        return -1;
    }
    *pid = (int)cred.pid;
    *uid = cred.uid;
    *gid = cred.gid;
    return 0;
}

static bool is_allowed(int fd, const unsigned *allowed, size_t count)
{
    int pid;
    unsigned uid, gid;

    if (peer_of(fd, &pid, &uid, &gid) == -1)
        return false;
    for (const unsigned *p = allowed; p < allowed + count; p++)
        if (*p == uid)
            return true;
    return false;
}

static void send_answer(int fd, const char *text)
{
    size_t sent = 0;

    while (sent < ANSWER_LEN) {
        ssize_t n = send(fd, text + sent, ANSWER_LEN - sent, MSG_NOSIGNAL);
        if (n >= 0)
            sent += (size_t)n;
        else if (errno != EINTR)
            return;
    }
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un addr;
    struct stat made, now;
    bool bound = false;
    int fd, saved;

    if (path == NULL || path[0] == '\0' || (allowed == NULL && count > 0)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > sizeof addr.sun_path - 1) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(&addr, 0, sizeof addr);
    addr.sun_family = AF_UNIX;
    memcpy(addr.sun_path, path, strlen(path));
    if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
        return -1;
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0 && lstat(path, &made) == 0) {
        bound = true;
        if (chmod(path, 0666) == 0 && listen(fd, SOMAXCONN) == 0)
            for (;;) {
                int conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
                if (conn == -1) {
                    if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
                        break;
                    if (errno != EINTR)
                        poll(NULL, 0, 50);
                    continue;
                }
                send_answer(conn, is_allowed(conn, allowed, count) ? welcome : denied);
                close(conn);
            }
    }
    saved = errno;
    if (bound && lstat(path, &now) == 0 && now.st_dev == made.st_dev && now.st_ino == made.st_ino)
        unlink(path);
    close(fd);
    errno = saved;
    return -1;
}
