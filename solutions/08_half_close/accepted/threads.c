/* A thread sends, the function itself receives. */

#include "half_close.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct sending {
    int fd;
    const char *data;
    size_t len;
    int error;
};

/* Report an error, and let the other thread wait for nothing any more. */
static int give_up(int fd, int error)
{
    shutdown(fd, SHUT_RDWR);
    return error;
}

static void *send_request(void *argument)
{
    struct sending *s = argument;

    while (s->len > 0) {
        ssize_t n = send(s->fd, s->data, s->len, MSG_NOSIGNAL);

        if (n >= 0) {
            s->data += n;
            s->len -= (size_t)n;
        } else if (errno != EINTR) {
            s->error = give_up(s->fd, errno);
            return NULL;
        }
    }
    if (shutdown(s->fd, SHUT_WR) == -1)
        s->error = give_up(s->fd, errno);
    return NULL;
}

/* Returns an errno. */
static int receive_reply(int fd, char *reply, size_t size, size_t *got)
{
    char more[512];

    for (*got = 0;;) {
        int full = *got == size;
        ssize_t n = full ? recv(fd, more, sizeof more, 0)
                         : recv(fd, reply + *got, size - *got, 0);

        if (n == 0)
            return 0;
        if (n > 0 && full)
            return EMSGSIZE;
        if (n > 0)
            *got += (size_t)n;
        else if (errno != EINTR)
            return errno;
    }
}

static int connect_first(const struct addrinfo *list, int *error)
{
    for (const struct addrinfo *a = list; a; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

        if (fd < 0) {
            *error = errno;
            continue;
        }
        while (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            if (errno == EINTR)
                continue;
            if (errno == EISCONN)
                break;
            *error = errno;
            close(fd);
            fd = -1;
            break;
        }
        if (fd >= 0)
            return fd;
    }
    return -1;
}

ssize_t ask(const char *host, const char *port, const void *request, size_t len,
            char *reply, size_t size)
{
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
    struct sending s = { .data = request, .len = len };
    int error = EIO, failed;
    pthread_t thread;
    size_t got = 0;

    if ((!request && len) || (!reply && size)) {
        errno = EINVAL;
        return -1;
    }
    failed = getaddrinfo(host, port, &hints, &list);
    if (failed) {
        if (failed != EAI_SYSTEM)
            errno = EHOSTUNREACH;
        return -1;
    }
    s.fd = connect_first(list, &error);
    freeaddrinfo(list);
    if (s.fd == -1) {
        errno = error;
        return -1;
    }
    error = pthread_create(&thread, NULL, send_request, &s);
    if (error == 0) {
        error = receive_reply(s.fd, reply, size, &got);
        if (error != 0)
            give_up(s.fd, error);
        pthread_join(thread, NULL);
        if (error == 0)
            error = s.error;
    }
    close(s.fd);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return (ssize_t)got;
}
