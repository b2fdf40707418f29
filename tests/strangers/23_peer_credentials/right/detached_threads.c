/* expect: pass
 * gap: none
 * cause: A detached thread for each client, with a structure of its own on the heap
 * shows: -
 */
#define _GNU_SOURCE
#include "peer_credentials.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct visit {
    int fd;
    const unsigned *allowed;
    size_t count;
};

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred who;
    socklen_t room = sizeof(struct ucred);

    if (NULL == pid || NULL == uid || NULL == gid) {
        errno = EINVAL;
        return -1;
    }
    if (-1 == getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &room))
        return -1;
    if ((uid_t)-1 == who.uid) {
        errno = ENOTCONN;
        return -1;
    }
    *pid = who.pid;
    *uid = who.uid;
    *gid = who.gid;
    return 0;
}

static void receive(const struct visit *v)
{
    const char *words = "denied\n", *end;
    unsigned uid, gid;
    int pid;

    if (0 == peer_of(v->fd, &pid, &uid, &gid))
        for (size_t i = v->count; i-- > 0;)
            if (v->allowed[i] == uid) {
                words = "welcome\n";
                break;
            }
    for (end = words + strlen(words); words < end;) {
        ssize_t n = send(v->fd, words, (size_t)(end - words), MSG_NOSIGNAL);

        if (n >= 0)
            words += n;
        else if (EINTR != errno)
            break;
    }
    close(v->fd);
}

static void *start(void *argument)
{
    struct visit v = *(struct visit *)argument;

    free(argument);
    receive(&v);
    return NULL;
}

static void begin(struct visit v)
{
    struct visit *own = malloc(sizeof *own);
    pthread_t thread;

    if (NULL == own) {
        receive(&v);
        return;
    }
    *own = v;
    if (0 == pthread_create(&thread, NULL, start, own)) {
        pthread_detach(thread);
    } else {
        free(own);
        receive(&v);
    }
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un name = { .sun_family = AF_LOCAL };
    struct stat made, found;
    int door, problem;
    size_t length = strlen(path);

    if (0 == length || (NULL == allowed && 0 < count)) {
        errno = EINVAL;
        return -1;
    }
    if (length >= sizeof name.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(name.sun_path, path, length);
    door = socket(AF_LOCAL, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (-1 == door)
        return -1;
    if (-1 == bind(door, (struct sockaddr *)&name, sizeof name)) {
        problem = errno;
        close(door);
        errno = problem;
        return -1;
    }
    if (-1 == chmod(path, 0666) || -1 == lstat(path, &made) || -1 == listen(door, 50)) {
        problem = errno;
        unlink(path);
        close(door);
        errno = problem;
        return -1;
    }
    for (;;) {
        struct visit v = { accept(door, NULL, NULL), allowed, count };

        if (-1 != v.fd) {
            begin(v);
        } else {
            problem = errno;
            if (EBADF == problem || EINVAL == problem || ENOTSOCK == problem || EFAULT == problem)
                break;
            usleep(5000);
        }
    }
    if (0 == lstat(path, &found) && made.st_dev == found.st_dev && made.st_ino == found.st_ino)
        unlink(path);
    close(door);
    errno = problem;
    return -1;
}
