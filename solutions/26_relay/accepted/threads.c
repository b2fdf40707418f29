/* A tapping relay with two threads for each client, one for each direction. */

#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 8192

/* What all clients have in common.  Clients that are served when the relay ends
   go on, so that whoever is last frees it. */
struct common {
    pthread_mutex_t lock;
    unsigned users;
    struct addrinfo *target;
    int log;
};

/* A client and its target: 0 is the client's side. */
struct talk {
    struct common *common;
    unsigned long number;
    int fd[2];
    pthread_mutex_t lock;
    int ended[2];               /* with eof or reset */
    int is_over;
};

/* One direction of it, in a thread of its own. */
struct way {
    struct talk *talk;
    int from;
};

static void let_go(struct common *c)
{
    unsigned left;

    pthread_mutex_lock(&c->lock);
    left = --c->users;
    pthread_mutex_unlock(&c->lock);
    if (left == 0) {
        freeaddrinfo(c->target);
        if (c->log != -1)
            close(c->log);
        pthread_mutex_destroy(&c->lock);
        free(c);
    }
}

/* Write len bytes of text to the log.  Returns 0 or -1. */
static int put(int log, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(log, text, len);

        if (n < 0 && errno != EINTR)
            return -1;
        if (n > 0) {
            text += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* Write that a side has said data, or how it has ended. */
static int note(struct talk *t, int side, const char *end, const unsigned char *data,
                size_t len)
{
    char line[2 * CHUNK + 64];
    int n = snprintf(line, sizeof line, "%lu %c %s", t->number, "><"[side], end);

    if (len > 0)
        n += snprintf(line + n, sizeof line - (size_t)n, "%zu ", len);
    for (size_t i = 0; i < len; i++)
        n += snprintf(line + n, sizeof line - (size_t)n, "%02x", data[i]);
    line[n++] = '\n';
    return put(t->common->log, line, (size_t)n);
}

/* It is over: wake the other thread, wherever it waits. */
static void stop(struct talk *t)
{
    t->is_over = 1;
    shutdown(t->fd[0], SHUT_RDWR);
    shutdown(t->fd[1], SHUT_RDWR);
}

/* A side has ended.  Returns 0, or -1 if all is over. */
static int end(struct talk *t, int side, const char *how)
{
    int result = 0;

    pthread_mutex_lock(&t->lock);
    if (!t->is_over && !t->ended[side])
        result = note(t, side, how, NULL, 0);
    if (t->is_over || result == -1 || how[0] == 'r') {
        stop(t);
        result = -1;
    }
    t->ended[side] = 1;
    pthread_mutex_unlock(&t->lock);
    return result;
}

/* Send all of data.  Returns 0 or -1. */
static int send_all(int fd, const unsigned char *data, size_t len)
{
    while (len > 0) {
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

static void *pass_on(void *argument)
{
    struct way *way = argument;
    struct talk *t = way->talk;
    int from = way->from, to = !from;
    unsigned char data[CHUNK];

    for (;;) {
        ssize_t n = recv(t->fd[from], data, sizeof data, 0);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1) {
            end(t, from, "reset");
            break;
        }
        if (n == 0) {
            if (end(t, from, "eof") == 0 && shutdown(t->fd[to], SHUT_WR) == -1)
                end(t, to, "reset");
            break;
        }
        if (note(t, from, "", data, (size_t)n) == -1) {
            pthread_mutex_lock(&t->lock);
            stop(t);
            pthread_mutex_unlock(&t->lock);
            break;
        }
        if (send_all(t->fd[to], data, (size_t)n) == -1) {
            end(t, to, "reset");
            break;
        }
    }
    return NULL;
}

static int connected(const struct addrinfo *a)
{
    for (; a != NULL; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        int error = 0;
        socklen_t size = sizeof error;

        if (fd == -1)
            continue;
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            return fd;
        if (errno == EINTR) {
            struct pollfd one = { .fd = fd, .events = POLLOUT };

            while (poll(&one, 1, -1) == -1 && errno == EINTR)
                ;
            if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
                return fd;
        }
        close(fd);
    }
    return -1;
}

static void *attend(void *argument)
{
    struct talk *t = argument;
    struct way there = { t, 0 }, back = { t, 1 };
    pthread_t thread;

    t->fd[1] = connected(t->common->target);
    if (t->fd[1] != -1) {
        if (pthread_create(&thread, NULL, pass_on, &back) == 0) {
            pass_on(&there);
            pthread_join(thread, NULL);
        }
        close(t->fd[1]);
    }
    close(t->fd[0]);
    pthread_mutex_destroy(&t->lock);
    let_go(t->common);
    free(t);
    return NULL;
}

/* Have a thread for a client, or let the client go. */
static void begin(struct common *c, int fd, unsigned long number)
{
    struct talk *t = calloc(1, sizeof *t);
    pthread_t thread;

    if (t == NULL) {
        close(fd);
        return;
    }
    t->common = c;
    t->number = number;
    t->fd[0] = fd;
    pthread_mutex_init(&t->lock, NULL);
    pthread_mutex_lock(&c->lock);
    c->users++;
    pthread_mutex_unlock(&c->lock);
    if (pthread_create(&thread, NULL, attend, t) == 0) {
        pthread_detach(thread);
        return;
    }
    close(fd);
    pthread_mutex_destroy(&t->lock);
    let_go(c);
    free(t);
}

static int looked_up(int error)
{
    if (error != 0 && error != EAI_SYSTEM)
        errno = error == EAI_MEMORY ? ENOMEM : ENOENT;
    return error == 0 ? 0 : -1;
}

static int listen_on(const char *port)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *list, *a;
    int fd = -1, one = 1, error;

    if (looked_up(getaddrinfo(NULL, port, &hints, &list)) == -1)
        return -1;
    for (a = list; a != NULL; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd == -1)
            continue;
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
            bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
            break;
        error = errno;
        close(fd);
        errno = error;
        fd = -1;
    }
    error = errno;
    freeaddrinfo(list);
    errno = error;
    return fd;
}

int serve(const char *port, const char *host, const char *service, const char *log)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct timespec moment = { 0, 20 * 1000 * 1000 };
    struct common *c = calloc(1, sizeof *c);
    unsigned long number = 0;
    int listener = -1, fd, error;

    if (c == NULL)
        return -1;
    if (looked_up(getaddrinfo(host, service, &hints, &c->target)) == -1) {
        error = errno;
        free(c);
        errno = error;
        return -1;
    }
    pthread_mutex_init(&c->lock, NULL);
    c->users = 1;
    c->log = open(log, O_CREAT | O_WRONLY | O_APPEND, 0666);
    if (c->log != -1)
        listener = listen_on(port);
    while (listener != -1) {
        fd = accept(listener, NULL, NULL);
        if (fd != -1) {
            begin(c, fd, ++number);
            continue;
        }
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            break;
        nanosleep(&moment, NULL);
    }
    error = errno;
    if (listener != -1)
        close(listener);
    let_go(c);
    errno = error;
    return -1;
}
