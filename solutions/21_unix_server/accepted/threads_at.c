/* A detached thread for each client; every name is relative to a descriptor of the
   directory, which is kept, and whose lock is not. */

#define _GNU_SOURCE
#include "unix_server.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct place {
    struct sockaddr_un address;
    const char *name;           /* in the directory */
    int directory;
    struct stat own;
};

static int find(struct place *p, const char *path)
{
    size_t length = strlen(path);
    char *slash;

    if (length == 0 || length >= sizeof p->address.sun_path) {
        errno = length == 0 ? EINVAL : ENAMETOOLONG;
        return -1;
    }
    memset(p, 0, sizeof *p);
    p->address.sun_family = AF_UNIX;
    memcpy(p->address.sun_path, path, length);
    slash = strrchr(p->address.sun_path, '/');
    if (slash == NULL) {
        p->name = path;
        p->directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    } else {
        char kept = slash[1];

        p->name = path + (slash - p->address.sun_path) + 1;
        slash[1] = '\0';
        p->directory = open(p->address.sun_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        slash[1] = kept;
    }
    return p->directory;
}

static int ask(const struct place *p)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), answer = 0;

    if (fd == -1)
        return errno;
    if (connect(fd, (const void *)&p->address, sizeof p->address) == -1)
        answer = errno;
    close(fd);
    return answer == 0 || answer == EAGAIN || answer == EPROTOTYPE ? EADDRINUSE : answer;
}

static int clear(const struct place *p)
{
    struct stat st;
    int error;

    if (fstatat(p->directory, p->name, &st, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT ? 0 : errno;
    error = S_ISSOCK(st.st_mode) ? ask(p) : EADDRINUSE;
    if (error == ECONNREFUSED)
        error = unlinkat(p->directory, p->name, 0) == -1 ? errno : 0;
    return error;
}

static int open_at(struct place *p, int *listener)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), error = 0;

    if (fd == -1)
        return errno;
    if (bind(fd, (const void *)&p->address, sizeof p->address) == -1) {
        error = errno;
    } else if (fstatat(p->directory, p->name, &p->own, AT_SYMLINK_NOFOLLOW) == -1 ||
               fchmodat(p->directory, p->name, S_IRUSR | S_IWUSR, 0) == -1 ||
               listen(fd, 10) == -1) {
        error = errno;
        unlinkat(p->directory, p->name, 0);
    }
    if (error != 0)
        close(fd);
    *listener = fd;
    return error;
}

static void *attend(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char data[2048];
    ssize_t n, m;

    while ((n = recv(fd, data, sizeof data, 0)) != 0) {
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            break;
        for (char *at = data; n > 0; at += m, n -= m) {
            m = send(fd, at, (size_t)n, MSG_NOSIGNAL);
            if (m == -1 && errno == EINTR)
                m = 0;
            else if (m == -1)
                goto end;
        }
    }
end:
    close(fd);
    return NULL;
}

static int accept_all(int listener)
{
    pthread_attr_t detached;
    pthread_t thread;
    int fd, error;

    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        fd = accept(listener, NULL, NULL);
        error = errno;
        if (fd != -1) {
            if (pthread_create(&thread, &detached, attend, (void *)(intptr_t)fd) != 0)
                close(fd);
        } else if (error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT) {
            break;
        } else {
            usleep(10000);
        }
    }
    pthread_attr_destroy(&detached);
    return error;
}

int serve(const char *path)
{
    struct place p;
    struct stat st;
    int listener, error, rc;

    if (find(&p, path) == -1)
        return -1;
    do
        rc = flock(p.directory, LOCK_EX);
    while (rc == -1 && errno == EINTR);
    error = rc == -1 ? errno : clear(&p);
    if (error == 0)
        error = open_at(&p, &listener);
    flock(p.directory, LOCK_UN);
    if (error == 0) {
        error = accept_all(listener);
        if (fstatat(p.directory, p.name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_dev == p.own.st_dev && st.st_ino == p.own.st_ino)
            unlinkat(p.directory, p.name, 0);
        close(listener);
    }
    close(p.directory);
    errno = error;
    return -1;
}
