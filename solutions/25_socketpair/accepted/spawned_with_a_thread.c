/* posix_spawnp() starts the program, a thread feeds it, the caller reads. */

#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct food {
    int fd, error;
    const char *data;
    size_t len;
};

static void *feed(void *argument)
{
    struct food *food = argument;

    while (food->len > 0) {
        ssize_t n = send(food->fd, food->data, food->len, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1) {
            if (errno != EPIPE && errno != ECONNRESET)
                food->error = errno;
            break;
        }
        food->data += n;
        food->len -= (size_t)n;
    }
    shutdown(food->fd, food->error ? SHUT_RDWR : SHUT_WR);
    return NULL;
}

static int spawn(pid_t *pid, char *const argv[], int end)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    if (error)
        return error;
    error = posix_spawn_file_actions_adddup2(&actions, end, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, end, 1);
    if (!error)
        error = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    if (!error)
        error = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static ssize_t collect(int fd, char *reply, size_t size)
{
    size_t got = 0;

    for (;;) {
        char more;
        ssize_t n = got < size ? recv(fd, reply + got, size - got, 0)
                               : recv(fd, &more, 1, 0);

        if (n == 0 || (n == -1 && errno == ECONNRESET))
            return (ssize_t)got;
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (got == size) {
            errno = EMSGSIZE;
            return -1;
        }
        got += (size_t)n;
    }
}

ssize_t run_filter(char *const argv[], const void *data, size_t len,
                   char *reply, size_t size, int *status)
{
    int ends[2], how, error;
    struct food food = { .data = data, .len = len };
    pthread_t thread;
    ssize_t got = -1;
    pid_t pid;

    if (!status || (!data && len) || (!reply && size)) {
        errno = EINVAL;
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1)
        return -1;
    error = spawn(&pid, argv, ends[1]);
    close(ends[1]);
    if (error)
        goto out;
    food.fd = ends[0];
    error = pthread_create(&thread, NULL, feed, &food);
    if (error == 0) {
        got = collect(ends[0], reply, size);
        error = errno;
        if (got == -1)
            shutdown(ends[0], SHUT_RDWR);
        if (got == -1)
            kill(pid, SIGKILL);
        pthread_join(thread, NULL);
        if (food.error) {
            error = food.error;
            got = -1;
        }
    }
    if (got == -1)
        kill(pid, SIGKILL);
    while (waitpid(pid, &how, 0) == -1 && errno == EINTR)
        continue;
    *status = WIFSIGNALED(how) ? -WTERMSIG(how) : WEXITSTATUS(how);
out:
    close(ends[0]);
    errno = error;
    return got;
}
