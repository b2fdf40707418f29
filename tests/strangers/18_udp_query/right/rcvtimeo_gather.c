/*
 * expect: pass
 * gap: none
 * cause: connected socket, SO_RCVTIMEO set to what is left of the attempt before each recv, id and question gathered with sendmsg.
 * shows: never
 */
#define _GNU_SOURCE
#include "udp_query.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ANY_DATAGRAM = 65536, LARGEST_QUESTION = 65527 - 2 };
enum verdict { NEXT_ADDRESS, ANSWERED, HOPELESS };

struct task {
    unsigned char id[2];
    const void *question;
    size_t len;
    void *answer;
    size_t size;
    size_t got;
    int attempts;
    long long micros;
};

static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static int post(int fd, const struct task *t)
{
    struct iovec part[2] = {
        { (void *)t->id, sizeof t->id },
        { (void *)t->question, t->len },
    };
    struct msghdr m = { .msg_iov = part, .msg_iovlen = 2 };
    ssize_t n;

    do
        n = sendmsg(fd, &m, MSG_NOSIGNAL);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -1 : 0;
}

/* 1 answered, 0 silence, -1 an error, -2 an answer that is too large */
static int await(int fd, struct task *t)
{
    unsigned char data[ANY_DATAGRAM];
    long long end = now() + t->micros, left;

    while ((left = end - now()) > 0) {
        struct timeval tv = { .tv_sec = left / 1000000, .tv_usec = left % 1000000 };
        ssize_t n;

        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) == -1)
            return -1;
        n = recv(fd, data, sizeof data, 0);
        if (n == -1) {
            if (errno == EINTR || errno == EAGAIN)
                continue;
            return -1;
        }
        if (n < 2 || memcmp(data, t->id, 2) != 0)
            continue;
        t->got = (size_t)n - 2;
        if (t->got > t->size)
            return -2;
        if (t->got > 0)
            memcpy(t->answer, data + 2, t->got);
        return 1;
    }
    return 0;
}

static enum verdict talk(int fd, struct task *t)
{
    for (int i = 0; i < t->attempts; i++) {
        if (post(fd, t) == -1)
            return NEXT_ADDRESS;
        switch (await(fd, t)) {
        case 1:
            return ANSWERED;
        case -1:
            return NEXT_ADDRESS;
        case -2:
            errno = EMSGSIZE;
            return HOPELESS;
        }
    }
    errno = ETIMEDOUT;
    return NEXT_ADDRESS;
}

ssize_t query(const char *host, const char *port, const void *question, size_t len,
              char *answer, size_t size, int attempts, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
    struct addrinfo *list = NULL;
    struct task t = { .question = question, .len = len, .answer = answer, .size = size,
                      .attempts = attempts, .micros = milliseconds * 1000LL };
    enum verdict verdict = NEXT_ADDRESS;
    int rc, why = EADDRNOTAVAIL;

    if (host == NULL || port == NULL || (question == NULL && len > 0)
        || (answer == NULL && size > 0) || attempts < 1 || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (len > LARGEST_QUESTION) {
        errno = EMSGSIZE;
        return -1;
    }
    while (getrandom(t.id, sizeof t.id, 0) != sizeof t.id)
        if (errno != EINTR)
            return -1;
    rc = getaddrinfo(host, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM || errno == 0)
            errno = EHOSTUNREACH;
        return -1;
    }
    for (struct addrinfo *a = list; a != NULL && verdict == NEXT_ADDRESS; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);

        if (fd == -1) {
            why = errno;
            continue;
        }
        do
            rc = connect(fd, a->ai_addr, a->ai_addrlen);
        while (rc == -1 && errno == EINTR);
        if (rc == 0)
            verdict = talk(fd, &t);
        why = errno;
        close(fd);
    }
    freeaddrinfo(list);
    if (verdict == ANSWERED)
        return (ssize_t)t.got;
    errno = why;
    return -1;
}
