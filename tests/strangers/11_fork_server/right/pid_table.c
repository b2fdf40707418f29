/*
 * expect: pass
 * gap: none
 * cause: none; a growing table of the children's pids, each asked for with WNOHANG after every accept
 * shows: nothing to see
 */
#define _GNU_SOURCE
#include "fork_server.h"
#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct brood {
    pid_t *pid;
    size_t used, room;
};

static void reap(struct brood *b)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->used; i++)
        if (waitpid(b->pid[i], NULL, WNOHANG) == 0)
            b->pid[kept++] = b->pid[i];     /* still at work */
    b->used = kept;
}

static int make_room(struct brood *b)
{
    if (b->used < b->room)
        return 0;
    size_t room = b->room ? 2 * b->room : 16;
    pid_t *more = realloc(b->pid, room * sizeof *more);
    if (!more)
        return -1;
    b->pid = more;
    b->room = room;
    return 0;
}

static void end_all(struct brood *b)
{
    for (size_t i = 0; i < b->used; i++)
        kill(b->pid[i], SIGKILL);
    for (size_t i = 0; i < b->used; i++)
        while (waitpid(b->pid[i], NULL, 0) == -1 && errno == EINTR)
            ;
    free(b->pid);
}

static _Noreturn void child(int conn)
{
    char block[8192];
    ssize_t in;

    for (;;) {
        in = recv(conn, block, sizeof block, 0);
        if (in == -1 && errno == EINTR)
            continue;
        if (in <= 0)
            break;
        for (char *p = block; in > 0; ) {
            ssize_t out = send(conn, p, (size_t)in, MSG_NOSIGNAL);
            if (out == -1 && errno == EINTR)
                continue;
            if (out == -1)
                _exit(1);
            p += out;
            in -= out;
        }
    }
    _exit(in == 0 ? 0 : 1);
}

int serve(const char *port)
{
    struct brood brood = { 0 };
    struct addrinfo *all, *a;
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    int listener = -1, why = EADDRNOTAVAIL, yes = 1, code;

    if (!port) {
        errno = EINVAL;
        return -1;
    }
    if ((code = getaddrinfo(NULL, port, &hints, &all)) != 0) {
        if (code != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (a = all; a; a = a->ai_next) {
        listener = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (listener == -1) {
            why = errno;
            continue;
        }
        if (setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
            bind(listener, a->ai_addr, a->ai_addrlen) == 0 && listen(listener, 64) == 0)
            break;
        why = errno;
        close(listener);
        listener = -1;
    }
    freeaddrinfo(all);
    if (listener == -1) {
        errno = why;
        return -1;
    }

    for (;;) {
        int conn = accept(listener, NULL, NULL);
        why = errno;
        reap(&brood);
        if (conn == -1) {
            if (why == EBADF || why == EINVAL || why == ENOTSOCK || why == EFAULT)
                break;
            if (why != EINTR && why != ECONNABORTED)
                nanosleep(&(struct timespec){ .tv_nsec = 40000000 }, NULL);
            continue;
        }
        if (make_room(&brood) == 0) {
            pid_t pid = fork();
            if (pid == 0) {
                close(listener);
                child(conn);
            }
            if (pid > 0)
                brood.pid[brood.used++] = pid;
        }
        close(conn);
    }
    close(listener);
    end_all(&brood);
    errno = why;
    return -1;
}
