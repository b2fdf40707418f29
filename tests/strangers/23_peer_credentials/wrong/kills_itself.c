/* expect: fail
 * gap: dies-of-client
 * cause: SIGPIPE is left as it is, and fclose() writes.
 * shows: A client is gone before its answer.
 */
#define _GNU_SOURCE
#include "peer_credentials.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    unsigned char raw[sizeof(struct ucred)];
    struct ucred who;
    socklen_t size = sizeof raw;
    bool is_complete = pid != NULL && uid != NULL && gid != NULL;

    if (!is_complete) {
        errno = EINVAL;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, raw, &size) != 0)
        return -1;
    memcpy(&who, raw, sizeof who);
    if (who.uid + 1u == 0u) {
        errno = ENOTCONN;
        return -1;
    }
    *pid = who.pid;
    *uid = who.uid;
    *gid = who.gid;
    return 0;
}

static bool knows(const unsigned *list, size_t count, unsigned user)
{
    return count > 0 && (*list == user || knows(list + 1, count - 1, user));
}

static void reply(int fd, const char *words)
{
    FILE *out = fdopen(fd, "w");

    if (out == NULL) {
        close(fd);
        return;
    }
    fputs(words, out);
    fclose(out);
}

static int stop(int listener, const char *path, const struct stat *own, int error)
{
    struct stat now;

    if (own != NULL && lstat(path, &now) == 0 && now.st_ino == own->st_ino && now.st_dev == own->st_dev)
        unlink(path);
    close(listener);
    errno = error;
    return -1;
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un address = { 0 };
    struct stat own;
    int listener;

    if (path[0] == '\0' || (count > 0 && allowed == NULL)) {
        errno = EINVAL;
        return -1;
    }
    if (snprintf(address.sun_path, sizeof address.sun_path, "%s", path) > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    address.sun_family = AF_UNIX;
    if ((listener = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
        return -1;
    if (bind(listener, (struct sockaddr *)&address, sizeof address) == -1)
        return stop(listener, path, NULL, errno);
    if (stat(path, &own) == -1) {
        int error = errno;

        unlink(path);
        return stop(listener, path, NULL, error);
    }
    if (chmod(path, 0666) == -1 || listen(listener, 10) == -1)
        return stop(listener, path, &own, errno);
    while (true) {
        int client = accept(listener, NULL, NULL), pid, error = errno;
        unsigned uid, gid;

        if (client >= 0) {
            bool ok = peer_of(client, &pid, &uid, &gid) == 0 && knows(allowed, count, uid);

            reply(client, ok ? "welcome\n" : "denied\n");
            continue;
        }
        if (error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT)
            return stop(listener, path, &own, error);
        nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    }
}
