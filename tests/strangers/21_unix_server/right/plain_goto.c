/* expect: pass
 * gap: none
 * cause: one client at a time, read() and write(), SIGPIPE ignored; one way out, with labels
 * shows: -
 */
#define _DEFAULT_SOURCE
#include "unix_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int probe(struct sockaddr_un *where, socklen_t size)
{
    int s, r, e;

    if ((s = socket(PF_LOCAL, SOCK_STREAM, 0)) == -1)
        return -1;
    fcntl(s, F_SETFL, fcntl(s, F_GETFL) | O_NONBLOCK);
    r = connect(s, (struct sockaddr *)where, size);
    e = errno;
    close(s);
    if (r == 0 || e == EAGAIN || e == EPROTOTYPE)
        e = EADDRINUSE;
    errno = e;
    return e == ECONNREFUSED && r != 0 ? 0 : -1;
}

static void talk(int c)
{
    char block[512], *p;
    ssize_t have, gone;

    while ((have = read(c, block, sizeof block)) != 0) {
        if (have == -1) {
            if (errno == EINTR)
                continue;
            return;
        }
        for (p = block; have > 0; have -= gone, p += gone) {
            gone = write(c, p, (size_t)have);
            if (gone == -1) {
                if (errno != EINTR)
                    return;
                gone = 0;
            }
        }
    }
}

int serve(const char *path)
{
    struct sockaddr_un where = { .sun_family = PF_LOCAL };
    struct stat mine, st;
    socklen_t size;
    char dir[128];
    char *last;
    mode_t mask;
    int d = -1, s = -1, made = 0, error, c, r;

    if (*path == 0) {
        errno = EINVAL;
        return -1;
    }
    if (snprintf(where.sun_path, sizeof where.sun_path, "%s", path) > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    size = SUN_LEN(&where) + 1;
    strcpy(dir, path);
    if ((last = strrchr(dir, '/')) == NULL)
        strcpy(dir, "./");
    else
        last[1] = 0;
    if ((d = open(dir, O_RDONLY)) == -1)
        goto failed;
    while ((r = flock(d, LOCK_EX)) == -1 && errno == EINTR)
        ;
    if (r == -1)
        goto failed;
    if (lstat(path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            errno = EADDRINUSE;
            goto failed;
        }
        if (probe(&where, size) == -1 || unlink(path) == -1)
            goto failed;
    } else if (errno != ENOENT)
        goto failed;
    if ((s = socket(PF_LOCAL, SOCK_STREAM, 0)) == -1)
        goto failed;
    mask = umask(0177);
    r = bind(s, (struct sockaddr *)&where, size);
    error = errno;
    umask(mask);
    errno = error;
    if (r == -1)
        goto failed;
    made = 1;
    if (lstat(path, &mine) == -1)
        goto failed;
    made = 2;
    if (listen(s, 5) == -1)
        goto failed;
    close(d);
    d = -1;
    signal(SIGPIPE, SIG_IGN);
    for (;;) {
        c = accept(s, NULL, NULL);
        if (c >= 0) {
            talk(c);
            close(c);
            continue;
        }
        switch (errno) {
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
        case EFAULT:
            goto failed;
        case EINTR:
        case ECONNABORTED:
            break;
        default:
            error = select(0, NULL, NULL, NULL, &(struct timeval){ .tv_usec = 5000 });
        }
    }
failed:
    error = errno;
    if (made == 1)
        unlink(path);
    if (made == 2 && lstat(path, &st) == 0 && st.st_dev == mine.st_dev && st.st_ino == mine.st_ino)
        unlink(path);
    if (s != -1)
        close(s);
    if (d != -1)
        close(d);
    errno = error;
    return -1;
}
