/* A server that asks the kernel who has connected, and lets in whoever is on its list. */

#define _GNU_SOURCE             /* for struct ucred */
#include "peer_credentials.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* The kernel's user id of a peer that there is not. */
#define NOBODY ((uid_t)-1)

/* Report an error.  Returns -1. */
static int fail(int error)
{
    errno = error;
    return -1;
}

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    return fail(error);
}

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (pid == NULL || uid == NULL || gid == NULL)
        return fail(EINVAL);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == -1)
        return -1;
    if (peer.uid == NOBODY)
        return fail(ENOTCONN);
    *pid = peer.pid;
    *uid = peer.uid;
    *gid = peer.gid;
    return 0;
}

/* Whether the user at the other end of fd is on the list. */
static int may_enter(int fd, const unsigned *allowed, size_t count)
{
    unsigned uid, gid;
    int pid;
    size_t i;

    if (peer_of(fd, &pid, &uid, &gid) == -1)
        return 0;               /* nobody knows who it is */
    for (i = 0; i < count; i++)
        if (allowed[i] == uid)
            return 1;
    return 0;
}

/* Listen at that address.  Returns the socket, and in *file what it has made; or
   -1 with errno set. */
static int listen_at(const struct sockaddr_un *address, struct stat *file)
{
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);

    if (listener == -1)
        return -1;
    if (bind(listener, (const struct sockaddr *)address, sizeof *address) == -1)
        return give_up(listener);
    if (chmod(address->sun_path, 0666) == -1 || listen(listener, 10) == -1 ||
        lstat(address->sun_path, file) == -1) {
        int error = errno;

        unlink(address->sun_path);
        errno = error;
        return give_up(listener);
    }
    return listener;
}

/* Send all of text on fd, as far as its client is there. */
static void say(int fd, const char *text)
{
    size_t len = strlen(text);

    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return;             /* this client is gone; the others are not */
        text += n;
        len -= (size_t)n;
    }
}

/* Answer clients, one after the other, as long as listener is good. */
static void serve_clients(int listener, const unsigned *allowed, size_t count)
{
    const struct timespec moment = { 0, 10000000 };

    for (;;) {
        int connection = accept(listener, NULL, NULL);

        if (connection == -1) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK ||
                errno == EFAULT)
                return;
            nanosleep(&moment, NULL);   /* descriptors may lack for a while */
            continue;
        }
        say(connection, may_enter(connection, allowed, count) ? "welcome\n" : "denied\n");
        close(connection);
    }
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat file, found;
    int listener, error;

    if (path[0] == '\0' || (allowed == NULL && count > 0))
        return fail(EINVAL);
    if (strlen(path) >= sizeof address.sun_path)
        return fail(ENAMETOOLONG);
    strcpy(address.sun_path, path);
    listener = listen_at(&address, &file);
    if (listener == -1)
        return -1;
    serve_clients(listener, allowed, count);
    error = errno;
    /* The path may be another server's by now. */
    if (lstat(path, &found) == 0 && found.st_dev == file.st_dev &&
        found.st_ino == file.st_ino)
        unlink(path);
    close(listener);
    return fail(error);
}
