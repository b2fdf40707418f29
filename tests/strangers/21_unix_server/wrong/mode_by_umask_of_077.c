/* expect: fail
 * gap: open-mode
 * cause: A umask of 077 leaves 0700: bind() gives all permissions, the owner's to execute too.
 * shows: The mode of the file.
 * says: has the mode 0700; expected 0600
 */
#define _GNU_SOURCE
#include "unix_server.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
    size_t from, to;
    char data[4096];
};

static struct pollfd *fds;      /* fds[0] is the listener's, fds[i] that of clients[i] */
static struct client **clients;
static nfds_t used;

static bool is_taken(const struct sockaddr_un *a, socklen_t length)
{
    struct stat st;
    int fd, rc;

    if (lstat(a->sun_path, &st) == -1)
        return errno != ENOENT;
    errno = EADDRINUSE;
    if (!S_ISSOCK(st.st_mode))
        return true;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return true;
    rc = connect(fd, (const struct sockaddr *)a, length) == -1 ? errno : 0;
    close(fd);
    switch (rc) {
    case ECONNREFUSED:
        return unlink(a->sun_path) == -1;
    case 0:
    case EWOULDBLOCK:
    case EPROTOTYPE:
        errno = EADDRINUSE;
        return true;
    default:
        errno = rc;
        return true;
    }
}

static int open_listener(const struct sockaddr_un *a, socklen_t length, struct stat *own)
{
    int fd, error;
    mode_t old;

    if (is_taken(a, length))
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    old = umask(S_IRWXG | S_IRWXO);
    error = bind(fd, (const struct sockaddr *)a, length) == -1 ? errno : 0;
    umask(old);
    if (error == 0 && (listen(fd, 32) == -1 || lstat(a->sun_path, own) == -1)) {
        error = errno;
        unlink(a->sun_path);
    }
    if (error != 0) {
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static int start(const char *path, struct stat *own)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
    char copy[sizeof a.sun_path];
    int dir, fd, error;

    memcpy(a.sun_path, path, strlen(path) + 1);
    memcpy(copy, path, strlen(path) + 1);
    dir = open(dirname(copy), O_RDONLY | O_CLOEXEC);
    if (dir == -1)
        return -1;
    while (flock(dir, LOCK_EX) == -1)
        if (errno != EINTR) {
            error = errno;
            close(dir);
            errno = error;
            return -1;
        }
    fd = open_listener(&a, length, own);
    error = errno;
    flock(dir, LOCK_UN);
    close(dir);
    errno = error;
    return fd;
}

static void admit(int fd)
{
    struct pollfd *more = realloc(fds, (used + 1) * sizeof *fds);
    struct client **rooms = realloc(clients, (used + 1) * sizeof *clients);
    struct client *c = calloc(1, sizeof *c);

    if (more != NULL)
        fds = more;
    if (rooms != NULL)
        clients = rooms;
    if (more == NULL || rooms == NULL || c == NULL) {
        free(c);
        close(fd);
        return;
    }
    fds[used] = (struct pollfd){ .fd = fd, .events = POLLIN };
    clients[used++] = c;
}

static void dismiss(nfds_t i)
{
    close(fds[i].fd);
    free(clients[i]);
    used--;
    fds[i] = fds[used];
    clients[i] = clients[used];
}

static bool passes(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/* Read if nothing waits to be sent, then send; whether the client is still there. */
static bool turn(nfds_t i)
{
    struct client *c = clients[i];
    ssize_t n;

    if (c->from == c->to) {
        n = recv(fds[i].fd, c->data, sizeof c->data, 0);
        if (n <= 0)
            return n == -1 && passes();
        c->from = 0;
        c->to = (size_t)n;
    }
    n = send(fds[i].fd, c->data + c->from, c->to - c->from, MSG_NOSIGNAL);
    if (n == -1 && !passes())
        return false;
    if (n > 0)
        c->from += (size_t)n;
    fds[i].events = c->from < c->to ? POLLOUT : POLLIN;
    return true;
}

int serve(const char *path)
{
    struct stat own, now;
    int listener, error;

    if (*path == '\0')
        return errno = EINVAL, -1;
    if (strnlen(path, 108) == 108)
        return errno = ENAMETOOLONG, -1;
    listener = start(path, &own);
    if (listener == -1)
        return -1;
    used = 0;
    admit(listener);
    for (;;) {
        if (poll(fds, used, -1) == -1)
            continue;
        for (nfds_t i = used; i-- > 1;)
            if (fds[i].revents != 0 && !turn(i))
                dismiss(i);
        if (fds[0].revents == 0)
            continue;
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0)
            admit(fd);
        else if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            break;
        else if (!passes())
            poll(NULL, 0, 10);
    }
    error = errno;
    if (lstat(path, &now) == 0 && now.st_ino == own.st_ino && now.st_dev == own.st_dev)
        unlink(path);
    while (used > 0)
        dismiss(used - 1);
    free(fds);
    free(clients);
    fds = NULL;
    clients = NULL;
    errno = error;
    return -1;
}
