/*
 * expect: fail
 * gap: other
 * cause: It calls wait() until its own program comes back and so reaps the other children of the caller, whose exit codes are lost to it.
 * shows: when the caller has another child that ends before or during the call
 * says: wait() takes the status of another child of its caller's: wait for the program alone
 */
#define _GNU_SOURCE
#include "socketpair.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

typedef struct {
    int fd;
    const char *from, *end;
} input;

static void *writer(void *p)
{
    input *in = p;
    while (in->from < in->end) {
        ssize_t n = send(in->fd, in->from, (size_t)(in->end - in->from), MSG_NOSIGNAL);
        if (n > 0)
            in->from += n;
        else if (errno != EINTR)
            return NULL;
    }
    shutdown(in->fd, SHUT_WR);
    return NULL;
}

static int thread_without_signals(pthread_t *t, input *in)
{
    sigset_t every, old;
    int r;
    sigfillset(&every);
    pthread_sigmask(SIG_BLOCK, &every, &old);
    r = pthread_create(t, NULL, writer, in);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return r;
}

static int await(pid_t pid)
{
    int raw = 0;
    pid_t who;
    do {
        who = wait(&raw);
    } while (who != pid && (who > 0 || errno == EINTR));
    return raw;
}

ssize_t run_filter(char *const argv[], const void *data, size_t len, char *reply, size_t size, int *status)
{
    posix_spawn_file_actions_t actions;
    int s[2], t, error, raw;
    size_t count = 0;
    pthread_t thread;
    pid_t pid;

    if (argv == NULL || argv[0] == NULL || status == NULL || (data == NULL && len != 0) || (reply == NULL && size != 0)) {
        errno = EINVAL;
        return -1;
    }
    if (socketpair(PF_LOCAL, SOCK_STREAM | SOCK_CLOEXEC, 0, s) != 0)
        return -1;
    t = fcntl(s[1], F_DUPFD_CLOEXEC, 3);
    error = t == -1 ? errno : 0;
    close(s[1]);
    if (error == 0) {
        error = posix_spawn_file_actions_init(&actions);
        if (error == 0) {
            if ((error = posix_spawn_file_actions_adddup2(&actions, t, 0)) == 0
                && (error = posix_spawn_file_actions_adddup2(&actions, t, 1)) == 0
                && (error = posix_spawn_file_actions_addclosefrom_np(&actions, 3)) == 0)
                error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
            posix_spawn_file_actions_destroy(&actions);
        }
        close(t);
    }
    if (error != 0) {
        close(s[0]);
        errno = error;
        return -1;
    }

    input in = { s[0], data, (const char *)data + len };
    error = thread_without_signals(&thread, &in);
    if (error == 0) {
        for (;;) {
            char more;
            ssize_t n = count < size ? recv(s[0], reply + count, size - count, 0) : recv(s[0], &more, 1, 0);
            if (n == -1 && errno == EINTR)
                continue;
            if (n == -1 && errno != ECONNRESET)
                error = errno;
            if (n <= 0)
                break;
            if (count == size) {
                error = EMSGSIZE;
                break;
            }
            count += (size_t)n;
        }
        if (error != 0) {
            kill(pid, SIGKILL);
            shutdown(s[0], SHUT_RDWR);
        }
        pthread_join(thread, NULL);
    } else {
        kill(pid, SIGKILL);
    }
    raw = await(pid);
    close(s[0]);
    if (error != 0) {
        errno = error;
        return -1;
    }
    *status = WIFEXITED(raw) ? WEXITSTATUS(raw) : -WTERMSIG(raw);
    return (ssize_t)count;
}
