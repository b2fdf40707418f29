/* expect: pass
 * gap: none
 * cause: Copies and sorts the list, asks it by halves; the end is told by one structure for everything that is open
 * shows: -
 */
#define _GNU_SOURCE
#include "peer_credentials.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    unsigned *ids;
    size_t count;
    int listener;
    int is_made;
    struct stat made;
    const char *path;
} server_t;

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred answer = { .pid = 0 };
    socklen_t size = sizeof answer;
    int is_asked = pid && uid && gid;

    if (!is_asked || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &answer, &size) == -1) {
        if (!is_asked)
            errno = EINVAL;
        return -1;
    }
    switch (answer.uid) {
    case (uid_t)-1:
        errno = ENOTCONN;
        return -1;
    default:
        *pid = answer.pid;
        *uid = answer.uid;
        *gid = answer.gid;
        return 0;
    }
}

static int by_number(const void *left, const void *right)
{
    unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;

    return a < b ? -1 : a > b;
}

static int has(const server_t *s, unsigned id)
{
    size_t low = 0, high = s->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->ids[middle] == id)
            return 1;
        if (s->ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static int end(server_t *s, int error)
{
    struct stat now;

    if (s->is_made && lstat(s->path, &now) == 0 && now.st_dev == s->made.st_dev && now.st_ino == s->made.st_ino)
        unlink(s->path);
    if (s->listener != -1)
        close(s->listener);
    free(s->ids);
    errno = error;
    return -1;
}

static void answer(const server_t *s, int fd)
{
    unsigned uid, gid;
    int pid, is_welcome = peer_of(fd, &pid, &uid, &gid) == 0 && has(s, uid);
    char line[] = "denied\n\0";
    struct iovec part = { line, 7 };

    if (is_welcome) {
        memcpy(line, "welcome\n", 8);
        part.iov_len = 8;
    }
    while (part.iov_len) {
        struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
        ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        part.iov_base = (char *)part.iov_base + n;
        part.iov_len -= (size_t)n;
    }
    close(fd);
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    server_t s = { .listener = -1, .path = path, .count = count };
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    const int fatal[] = { EBADF, EINVAL, ENOTSOCK, EFAULT };

    if (*path == '\0' || (!allowed && count))
        return end(&s, EINVAL);
    if (strlen(path) + 1 > sizeof a.sun_path)
        return end(&s, ENAMETOOLONG);
    strcpy(a.sun_path, path);
    s.ids = calloc(count + 1, sizeof *s.ids);
    if (!s.ids)
        return end(&s, ENOMEM);
    if (count) {
        memcpy(s.ids, allowed, count * sizeof *s.ids);
        qsort(s.ids, count, sizeof *s.ids, by_number);
    }
    s.listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s.listener == -1 || bind(s.listener, (void *)&a, sizeof a) == -1)
        return end(&s, errno);
    s.is_made = lstat(path, &s.made) == 0;
    assert(s.is_made);
    if (chmod(path, 0666) == -1 || listen(s.listener, 5) == -1)
        return end(&s, errno);
    for (;;) {
        int fd = accept(s.listener, 0, 0), error = errno;

        if (fd != -1) {
            answer(&s, fd);
            continue;
        }
        for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++)
            if (error == fatal[i])
                return end(&s, error);
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ 0, 1000000 }, NULL);
    }
}
