/*
 * expect: fail
 * gap: default-allow
 * cause: the identity lives outside the loop and peer_of's failure is not looked at, so a client that the kernel cannot name is judged by the user id of the client before it
 * shows: when SO_PEERCRED fails (or tells -1) for a client that comes after an allowed one: it is welcomed
 * says: failed with ENOPROTOOPT, and peer_credentials.c:85 send() lets the client in
 */
#define _GNU_SOURCE
#include "peer_credentials.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred c;
    socklen_t len = sizeof c;

    if (!pid || !uid || !gid) {
        errno = EINVAL;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == -1)
        return -1;
    if (c.uid == (uid_t)-1) {
        errno = ENOTCONN;
        return -1;
    }
    *pid = c.pid;
    *uid = c.uid;
    *gid = c.gid;
    return 0;
}

static int in_list(unsigned uid, const unsigned *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == uid && uid != (unsigned)-1)
            return 1;
    return 0;
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    struct timespec moment = { 0, 50000000 };
    struct stat made, now;
    int listener, client, saved, have = 0;
    const char *text;
    int pid = 0;
    unsigned uid = (unsigned)-1, gid = (unsigned)-1;

    if (!path || !*path || (!allowed && count > 0)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(sa.sun_path, path);
    if ((listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
        return -1;
    if (bind(listener, (struct sockaddr *)&sa, sizeof sa) == -1 || lstat(path, &made) == -1)
        goto out;
    have = 1;
    if (chmod(path, 0666) == -1 || listen(listener, 64) == -1)
        goto out;

    while (1) {
        client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client == -1) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
                goto out;
            if (errno != EINTR)
                nanosleep(&moment, NULL);
            continue;
        }
        peer_of(client, &pid, &uid, &gid);
        text = in_list(uid, allowed, count) ? "welcome\n" : "denied\n";
        while (send(client, text, strlen(text), MSG_NOSIGNAL) == -1 && errno == EINTR)
            ;
        close(client);
    }
out:
    saved = errno;
    if (have && lstat(path, &now) == 0 && now.st_ino == made.st_ino && now.st_dev == made.st_dev)
        unlink(path);
    close(listener);
    errno = saved;
    return -1;
}
