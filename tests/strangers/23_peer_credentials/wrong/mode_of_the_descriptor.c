/* expect: fail
 * gap: closed-mode
 * cause: fchmod() of the socket changes the mode of nothing that has a name.
 * shows: The mode is looked at.
 * says: mode 0750
 */
#define _GNU_SOURCE
#include "peer_credentials.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

int peer_of(int fd, int *pid, unsigned *uid, unsigned *gid)
{
    struct ucred credentials;
    socklen_t length = sizeof(credentials);

    if (pid == NULL || uid == NULL || gid == NULL) {
        errno = EINVAL;
        return -1;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == -1) {
        return -1;
    }
    if (credentials.uid == (uid_t)-1) {
        errno = ENOTCONN;
        return -1;
    }
    *pid = credentials.pid;
    *uid = credentials.uid;
    *gid = credentials.gid;
    return 0;
}

static void handle_client(int client, const unsigned *allowed, size_t count)
{
    int pid;
    unsigned uid;
    unsigned gid;
    int found = 0;
    const char *message;
    size_t offset = 0;
    size_t total;

    if (peer_of(client, &pid, &uid, &gid) == 0) {
        for (size_t i = 0; i < count; ++i) {
            if (uid == allowed[i]) {
                found = 1;
            }
        }
    }
    message = found ? "welcome\n" : "denied\n";
    total = strlen(message);
    while (offset < total) {
        ssize_t sent = send(client, message + offset, total - offset, MSG_NOSIGNAL);
        if (sent == -1) {
            if (errno == EINTR) {
                continue;
            }
            return;
        }
        offset += (size_t)sent;
    }
}

int serve(const char *path, const unsigned *allowed, size_t count)
{
    struct sockaddr_un address;
    struct stat own;
    struct stat other;
    int saved_errno;

    if (strlen(path) == 0 || (allowed == NULL && count > 0)) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof(address.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }

    int server = socket(AF_UNIX, SOCK_STREAM, 0);
    if (server == -1) {
        return -1;
    }
    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
    if (bind(server, (struct sockaddr *)&address, sizeof(address)) == -1) {
        saved_errno = errno;
        close(server);
        errno = saved_errno;
        return -1;
    }
    if (lstat(path, &own) == -1 || fchmod(server, 0666) == -1 || listen(server, SOMAXCONN) == -1) {
        saved_errno = errno;
        close(server);
        unlink(path);
        errno = saved_errno;
        return -1;
    }
    signal(SIGCHLD, SIG_IGN);

    while (1) {
        int client = accept(server, NULL, NULL);
        if (client == -1) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT) {
                saved_errno = errno;
                break;
            }
            usleep(10 * 1000);
            continue;
        }
        pid_t child = fork();
        if (child == 0) {
            close(server);
            handle_client(client, allowed, count);
            _exit(0);
        }
        close(client);
    }

    if (lstat(path, &other) == 0 && other.st_ino == own.st_ino && other.st_dev == own.st_dev) {
        unlink(path);
    }
    close(server);
    errno = saved_errno;
    return -1;
}
