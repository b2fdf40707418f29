/* A line counter with the threads of C11, which detach themselves. */

#include "thread_server.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <threads.h>
#include <unistd.h>

struct handover {
    int connection;
    int taken;
};

static mtx_t guard;
static cnd_t changed;
static once_flag ready = ONCE_FLAG_INIT;
static unsigned long long count;

static void make_ready(void)
{
    mtx_init(&guard, mtx_plain);
    cnd_init(&changed);
}

static int open_listener(const char *port)
{
    const struct addrinfo hints = { .ai_family = AF_INET,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = AI_PASSIVE };
    struct addrinfo *list;
    int fd, on = 1, error = 0;

    switch (getaddrinfo(NULL, port, &hints, &list)) {
    case 0:
        break;
    case EAI_SYSTEM:
        return -1;
    default:
        errno = ENOENT;
        return -1;
    }
    fd = socket(list->ai_family, list->ai_socktype, list->ai_protocol);
    if (fd == -1 ||
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1 ||
        bind(fd, list->ai_addr, list->ai_addrlen) == -1 ||
        listen(fd, SOMAXCONN) == -1)
        error = errno;
    freeaddrinfo(list);
    if (error != 0) {
        if (fd != -1)
            close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static unsigned long long one_more(void)
{
    unsigned long long number;

    mtx_lock(&guard);
    number = ++count;
    mtx_unlock(&guard);
    return number;
}

static int tell(int fd, unsigned long long number)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%llu\n", number), sent = 0;

    while (sent < len) {
        ssize_t n = send(fd, text + sent, (size_t)(len - sent), MSG_NOSIGNAL);

        if (n >= 0)
            sent += (int)n;
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

static int attend(void *argument)
{
    struct handover *handover = argument;
    char data[2048], *newline;
    ssize_t n;
    int fd;

    thrd_detach(thrd_current());
    mtx_lock(&guard);
    fd = handover->connection;
    handover->taken = 1;
    cnd_broadcast(&changed);
    mtx_unlock(&guard);
    for (;;) {
        n = recv(fd, data, sizeof data, 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        for (newline = data; n > 0; n -= newline - data, memmove(data, newline, (size_t)n)) {
            newline = memchr(data, '\n', (size_t)n);
            if (newline == NULL)
                break;
            newline++;
            if (tell(fd, one_more()) == -1) {
                close(fd);
                return -1;
            }
        }
    }
    close(fd);
    return 0;
}

/* Start a thread, and wait until it knows its client. */
static void hand_over(int connection)
{
    struct handover handover = { connection, 0 };
    thrd_t thread;

    if (thrd_create(&thread, attend, &handover) != thrd_success) {
        close(connection);
        return;
    }
    mtx_lock(&guard);
    while (!handover.taken)
        cnd_wait(&changed, &guard);
    mtx_unlock(&guard);
}

int serve(const char *port)
{
    int listener = open_listener(port), error;

    if (listener == -1)
        return -1;
    call_once(&ready, make_ready);
    for (;;) {
        int connection = accept(listener, NULL, NULL);

        if (connection >= 0) {
            hand_over(connection);
            continue;
        }
        error = errno;
        if (error == EBADF || error == EINVAL || error == ENOTSOCK ||
            error == EFAULT)
            break;
        poll(NULL, 0, 20);
    }
    close(listener);
    errno = error;
    return -1;
}
