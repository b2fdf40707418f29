/*
 * expect: fail
 * gap: other
 * cause: the list is copied into a table of fixed size, and what does not fit is dropped without a word
 * shows: when the list has more than 32 entries: the users behind the 32nd are denied
 * says: told of user 70002, who is number 130 of 130 on the list, and peer_credentials.c:115 send() turns it away
 */
#define _GNU_SOURCE
#include "peer_credentials.h"
#include <errno.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_GUESTS 32

struct door {
    int fd;
    const char *path;
    struct stat made;
    unsigned guest[MAX_GUESTS];
    size_t guests;
};

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred c;
    socklen_t n = sizeof c;

    if (!pid || !uid || !gid) {
        errno = EINVAL;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) != 0)
        return -1;
    if (c.uid == 0xffffffffu) {
        errno = ENOTCONN;
        return -1;
    }
    *pid = c.pid;
    *uid = c.uid;
    *gid = c.gid;
    return 0;
}

static int door_open(struct door *d)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    memcpy(a.sun_path, d->path, strlen(d->path));
    if (bind(d->fd, (struct sockaddr *)&a, sizeof a) < 0)
        return -1;
    if (lstat(d->path, &d->made) < 0)
        return -1;
    return chmod(d->path, 0666) < 0 || listen(d->fd, 40) < 0 ? -1 : 0;
}

static void door_close(struct door *d)
{
    int saved = errno;
    struct stat now;

    if (d->made.st_ino && lstat(d->path, &now) == 0 && now.st_dev == d->made.st_dev && now.st_ino == d->made.st_ino)
        unlink(d->path);
    close(d->fd);
    errno = saved;
}

static int door_accept(struct door *d)
{
    for (;;) {
        int c = accept4(d->fd, NULL, NULL, SOCK_CLOEXEC);
        if (c >= 0)
            return c;
        switch (errno) {
        case EBADF: case EINVAL: case ENOTSOCK: case EFAULT:
            return -1;
        case EINTR:
            continue;
        }
        struct timeval pause = { 0, 50000 };
        select(0, NULL, NULL, NULL, &pause);
    }
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct door d = { .path = path };
    int c, pid;
    unsigned uid, gid;

    if (!path || !*path || (count && !allowed)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    d.guests = count < MAX_GUESTS ? count : MAX_GUESTS;
    if (d.guests)
        memcpy(d.guest, allowed, d.guests * sizeof d.guest[0]);
    if ((d.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return -1;
    if (door_open(&d) == 0)
        while ((c = door_accept(&d)) >= 0) {
            const char *text = "denied\n";
            if (peer_of(c, &pid, &uid, &gid) == 0)
                for (size_t i = 0; i < d.guests; i++)
                    if (d.guest[i] == uid)
                        text = "welcome\n";
            while (send(c, text, strlen(text), MSG_NOSIGNAL) < 0 && errno == EINTR)
                ;
            close(c);
        }
    door_close(&d);
    return -1;
}
