/* expect: fail
 * gap: other
 * cause: The lock is on a file of its own, which stays in the directory, and which no other kind of server asks for.
 * shows: Another server that locks the directory starts at the same time.
 * says: .lock is left behind when serve() has returned
 */
#include "unix_server.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Keep the servers of a directory from starting at the same time.  Returns a
   descriptor that holds the lock until it is closed, or -1 with errno set. */
static int lock_directory_of(const struct sockaddr_un *address)
{
    char directory[sizeof address->sun_path + 8];
    char *slash;
    int fd, locked;

    strcpy(directory, address->sun_path);
    slash = strrchr(directory, '/');
    if (slash == NULL)
        strcpy(directory, ".");
    else
        slash[slash == directory] = '\0';       /* that of "/name" is "/" */
    strcat(directory, "/.lock");
    fd = open(directory, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd == -1)
        return -1;
    do
        locked = flock(fd, LOCK_EX);
    while (locked == -1 && errno == EINTR);
    return locked == -1 ? give_up(fd) : fd;
}

/* Remove what a server that is gone has left at that address.  Returns 0, or -1
   with errno set: EADDRINUSE where it is taken, or what the question has met. */
static int make_way(const struct sockaddr_un *address)
{
    struct stat found;
    int question, error = 0;

    if (lstat(address->sun_path, &found) == -1)
        return errno == ENOENT ? 0 : -1;
    if (!S_ISSOCK(found.st_mode)) {
        errno = EADDRINUSE;
        return -1;
    }
    /* Non-blocking, for the backlog may be full. */
    question = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (question == -1)
        return -1;
    if (connect(question, (const struct sockaddr *)address, sizeof *address) == -1)
        error = errno;
    close(question);

    if (error == 0 || error == EAGAIN || error == EPROTOTYPE)
        error = EADDRINUSE;             /* somebody has it */
    if (error != ECONNREFUSED) {
        errno = error;
        return -1;
    }
    return unlink(address->sun_path);
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
    if (chmod(address->sun_path, 0600) == -1 || listen(listener, 10) == -1 ||
        lstat(address->sun_path, file) == -1) {
        int error = errno;

        unlink(address->sun_path);
        errno = error;
        return give_up(listener);
    }
    return listener;
}

/* Send all len bytes of data on fd.  Returns 0, or -1 with errno set. */
static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n;

        do
            n = send(fd, data, len, MSG_NOSIGNAL);
        while (n == -1 && errno == EINTR);
        if (n == -1)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* Send back what comes in on fd, until end-of-file or an error. */
static void echo(int fd)
{
    char data[4096];

    for (;;) {
        ssize_t n;

        do
            n = recv(fd, data, sizeof data, 0);
        while (n == -1 && errno == EINTR);
        if (n <= 0 || send_all(fd, data, (size_t)n) == -1)
            return;             /* at its end, or gone */
    }
}

/* Serve clients, one after the other, as long as listener is good. */
static void serve_clients(int listener)
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
        echo(connection);
        close(connection);
    }
}

int serve(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat file, found;
    int lock, listener, error;

    if (path[0] == '\0') {
        errno = EINVAL;
        return -1;
    }
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    strcpy(address.sun_path, path);
    lock = lock_directory_of(&address);
    if (lock == -1)
        return -1;
    listener = make_way(&address) == -1 ? -1 : listen_at(&address, &file);
    give_up(lock);
    if (listener == -1)
        return -1;
    serve_clients(listener);
    error = errno;
    /* The path may be another server's by now. */
    if (lstat(path, &found) == 0 && found.st_dev == file.st_dev &&
        found.st_ino == file.st_ino)
        unlink(path);
    close(listener);
    errno = error;
    return -1;
}
