/*
 * expect: fail
 * gap: other
 * cause: eight threads take the connections out of a queue and serve each to its end; a ninth client waits in the queue until one of the eight leaves.
 * shows: when more than eight clients stay connected.
 * says: waits in each of the 8 threads for a client of its own, and
 */
#define _GNU_SOURCE
#include "thread_server.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { WORKERS = 8 };

struct job {
    struct job *next;
    int fd;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t some;
    struct job *first, **last;
    unsigned long lines;
} pool = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, &pool.first, 0 };

static int put(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static void serve_one(int fd)
{
    char data[2048], text[32];

    for (;;) {
        ssize_t n = recv(fd, data, sizeof data, 0);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        for (ssize_t i = 0; i < n; i++) {
            unsigned long number;

            if (data[i] != '\n')
                continue;
            pthread_mutex_lock(&pool.lock);
            number = ++pool.lines;
            pthread_mutex_unlock(&pool.lock);
            if (put(fd, text, (size_t)snprintf(text, sizeof text, "%lu\n", number)) == -1)
                return;
        }
    }
}

static void *work(void *unused)
{
    for (;;) {
        struct job *job;

        pthread_mutex_lock(&pool.lock);
        while (!pool.first)
            pthread_cond_wait(&pool.some, &pool.lock);
        job = pool.first;
        if (!(pool.first = job->next))
            pool.last = &pool.first;
        pthread_mutex_unlock(&pool.lock);
        serve_one(job->fd);
        close(job->fd);
        free(job);
    }
    return unused;
}

static int open_port(const char *port)
{
    struct addrinfo hints, *list;
    int fd, on = 1, code, saved;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    code = getaddrinfo(NULL, port, &hints, &list);
    if (code) {
        errno = code == EAI_SYSTEM ? errno : EINVAL;
        return -1;
    }
    fd = socket(list->ai_family, list->ai_socktype, list->ai_protocol);
    if (fd != -1 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
                     bind(fd, list->ai_addr, list->ai_addrlen) == -1 || listen(fd, 64) == -1)) {
        saved = errno;
        close(fd);
        errno = saved;
        fd = -1;
    }
    saved = errno;
    freeaddrinfo(list);
    errno = saved;
    return fd;
}

int serve(const char *port)
{
    int listener, saved, workers = 0;

    if (!port) {
        errno = EINVAL;
        return -1;
    }
    if ((listener = open_port(port)) == -1)
        return -1;
    for (int i = 0; i < WORKERS; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, work, NULL) == 0) {
            pthread_detach(thread);
            workers++;
        }
    }
    while (workers) {
        int fd = accept(listener, NULL, NULL);
        struct job *job;

        if (fd == -1) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
                break;
            if (errno != EINTR && errno != ECONNABORTED)
                nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
            continue;
        }
        if (!(job = malloc(sizeof *job))) {
            close(fd);
            continue;
        }
        job->fd = fd;
        job->next = NULL;
        pthread_mutex_lock(&pool.lock);
        *pool.last = job;
        pool.last = &job->next;
        pthread_cond_signal(&pool.some);
        pthread_mutex_unlock(&pool.lock);
    }
    saved = errno;
    close(listener);
    errno = saved;
    return -1;
}
