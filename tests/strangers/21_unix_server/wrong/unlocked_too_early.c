/* expect: fail
 * gap: unlisted-server
 * cause: The lock is let go between bind() and listen().
 * shows: Another server asks in between.
 * says: lets the lock go before listen()
 */
#include "unix_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_un address;

static int dead(void)
{
    struct stat st;
    int client, result;

    if (lstat(address.sun_path, &st) == -1)
        return -1;
    if ((st.st_mode & S_IFMT) != S_IFSOCK)
        return 0;
    client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (client == -1)
        return -1;
    result = -1;
    if (fcntl(client, F_SETFL, O_NONBLOCK) == 0) {
        if (connect(client, (struct sockaddr *)&address, sizeof address) == 0 ||
            errno == EAGAIN || errno == EPROTOTYPE)
            result = 0;
        else if (errno == ECONNREFUSED)
            result = 1;
    }
    int error = errno;

    close(client);
    errno = error;
    return result;
}

static int take(int fd)
{
    /* bind() makes the file with the socket's own mode, less the umask. */
    if (fchmod(fd, 0600) == -1)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -1;
    switch (dead()) {
    case 1:
        if (unlink(address.sun_path) == -1)
            return -1;
        return bind(fd, (struct sockaddr *)&address, sizeof address);
    case 0:
        errno = EADDRINUSE;
    }
    return -1;
}

static int lock(void)
{
    char name[sizeof address.sun_path] = ".";
    const char *slash = strrchr(address.sun_path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - address.sun_path);
    int fd;

    if (slash != NULL) {
        length += length == 0;
        memcpy(name, address.sun_path, length);
        name[length] = '\0';
    }
    fd = open(name, O_RDONLY | O_CLOEXEC);
    while (fd != -1 && flock(fd, LOCK_EX) == -1) {
        if (errno == EINTR)
            continue;
        int error = errno;

        close(fd);
        errno = error;
        fd = -1;
    }
    return fd;
}

/* The child's whole life. */
static void attend(int fd)
{
    char data[1024];
    ssize_t n, sent, m;

    for (;;) {
        n = read(fd, data, sizeof data);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(0);
        for (sent = 0; sent < n; sent += m) {
            m = write(fd, data + sent, (size_t)(n - sent));
            if (m == -1 && errno != EINTR)
                _exit(0);
            if (m == -1)
                m = 0;
        }
    }
}

int serve(const char *path)
{
    struct stat own, now;
    int directory, fd, error = 0;

    if (strlen(path) == 0) {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) > 107) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memset(&address, 0, sizeof address);
    address.sun_family = AF_UNIX;
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    directory = lock();
    if (directory == -1)
        return -1;
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd == -1 || take(fd) == -1) {
        error = errno;
    } else if (lstat(path, &own) == -1) {
        error = errno;
        unlink(path);
    }
    close(directory);
    if (error == 0 && listen(fd, SOMAXCONN) == -1) {
        error = errno;
        unlink(path);
    }
    if (error != 0) {
        if (fd != -1)
            close(fd);
        errno = error;
        return -1;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);   /* children need not be waited for */
    for (;;) {
        int client = accept(fd, NULL, NULL);

        if (client >= 0) {
            if (fork() == 0) {
                close(fd);
                attend(client);
            }
            close(client);
            continue;
        }
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            break;
        if (errno != EINTR)
            nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
    }
    error = errno;
    if (lstat(path, &now) == 0 && now.st_dev == own.st_dev && now.st_ino == own.st_ino)
        unlink(path);
    close(fd);
    errno = error;
    return -1;
}
