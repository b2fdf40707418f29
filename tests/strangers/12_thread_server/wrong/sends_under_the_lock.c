/*
 * expect: fail
 * gap: other
 * cause: The counter's lock is held while the answer is sent: a client that does not read its answers holds up everyone in send().
 * shows: One client sends lines without end and reads nothing; another one's line is then never answered.
 * says: a lock is held while send() waits
 */
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

static int open_listener(const char *port)
{
    struct addrinfo hints, *list, *ai;
    int fd = -1, yes = 1, rc, error = EADDRNOTAVAIL;

    if (port == NULL) {
        errno = EINVAL;
        return -1;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = rc == EAI_MEMORY ? ENOMEM : EINVAL;
        return -1;
    }
    for (ai = list; ai != NULL; ai = ai->ai_next) {
        fd = socket(ai->ai_family, ai->ai_socktype, ai->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
            bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
            break;
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd == -1)
        errno = error;
    return fd;
}

static struct {
    pthread_mutex_t lock;
    unsigned long long lines;
} served = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int say(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        text += n;
        len -= (size_t)n;
    }
    return 0;
}

static int answer(int fd, const char *data, size_t len)
{
    const char *end = data + len, *lf;
    char text[32];

    int rc = 0;

    for (; rc == 0 && (lf = memchr(data, '\n', (size_t)(end - data))) != NULL; data = lf + 1) {
        pthread_mutex_lock(&served.lock);
        int n = snprintf(text, sizeof text, "%llu\n", ++served.lines);
        rc = say(fd, text, (size_t)n);
        pthread_mutex_unlock(&served.lock);
    }
    return rc;
}

static void *session(void *argument)
{
    int fd = *(int *)argument;
    char data[2048];
    ssize_t n;

    free(argument);
    for (;;) {
        n = recv(fd, data, sizeof data, 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0 || answer(fd, data, (size_t)n) == -1)
            break;
    }
    close(fd);
    return NULL;
}

static void begin(const pthread_attr_t *detached, int client)
{
    pthread_t thread;
    int *own = malloc(sizeof *own);

    if (own != NULL) {
        *own = client;
        if (pthread_create(&thread, detached, session, own) == 0)
            return;
        free(own);
    }
    close(client);
}

int serve(const char *port)
{
    pthread_attr_t detached;
    int listener, client, error;

    listener = open_listener(port);
    if (listener == -1)
        return -1;
    error = pthread_attr_init(&detached);
    if (error != 0) {
        close(listener);
        errno = error;
        return -1;
    }
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        client = accept(listener, NULL, NULL);
        if (client >= 0) {
            begin(&detached, client);
            continue;
        }
        error = errno;
        if (error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT)
            break;
        if (error != EINTR && error != ECONNABORTED)
            nanosleep(&(struct timespec){ .tv_nsec = 25000000 }, NULL);
    }
    pthread_attr_destroy(&detached);
    close(listener);
    errno = error;
    return -1;
}
