/*
 * expect: pass
 * gap: none
 * cause: recvmmsg() takes whatever has come, eight at a time; a limit of 25 ms by SO_RCVTIMEO, over and over.
 * shows: never
 */
#define _GNU_SOURCE
#include "udp_query.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { MANY = 8, LARGE = 65536 };

struct inbox {
    struct mmsghdr message[MANY];
    struct iovec part[MANY];
    char data[MANY][LARGE];
};

static long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct inbox *inbox_new(void)
{
    struct inbox *box = calloc(1, sizeof *box);

    for (int i = 0; box != NULL && i < MANY; i++) {
        box->part[i] = (struct iovec){ box->data[i], LARGE };
        box->message[i].msg_hdr.msg_iov = &box->part[i];
        box->message[i].msg_hdr.msg_iovlen = 1;
    }
    return box;
}

/* The index of the answer in the box, -1 for silence, -2 for an error. */
static int listen_until(int fd, struct inbox *box, const char *id, long end)
{
    while (now_ms() < end) {
        int n = recvmmsg(fd, box->message, MANY, MSG_WAITFORONE, NULL);

        if (n == -1 && errno != EAGAIN && errno != EINTR)
            return -2;
        for (int i = 0; i < n; i++)
            if (box->message[i].msg_len >= 2 && memcmp(box->data[i], id, 2) == 0)
                return i;
    }
    errno = ETIMEDOUT;
    return -1;
}

ssize_t query(const char *host, const char *port, const void *question, size_t len,
              char *answer, size_t size, int attempts, int milliseconds)
{
    struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *list;
    struct timeval look = { 0, 25000 };
    char id[2];
    struct iovec out[2] = { { id, 2 }, { (void *)question, len } };
    struct msghdr request = { .msg_iov = out, .msg_iovlen = 2 };
    struct inbox *box;
    ssize_t n = -1;
    int error, found = -2;

    if (attempts < 1 || milliseconds < 0 || (question == NULL && len > 0) || (answer == NULL && size > 0))
        return errno = EINVAL, -1;
    error = getaddrinfo(host, port, &hints, &list);
    if (error != 0)
        return errno = error == EAI_SYSTEM ? errno : ESRCH, -1;
    box = inbox_new();
    if (box == NULL || getrandom(id, 2, 0) != 2) {
        error = errno;
        free(box);
        freeaddrinfo(list);
        return errno = error, -1;
    }
    for (struct addrinfo *a = list; a != NULL && found < 0; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

        found = -2;
        if (fd != -1 && connect(fd, a->ai_addr, a->ai_addrlen) == 0 &&
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof look) == 0)
            for (int i = 0; i < attempts; i++) {
                ssize_t sent;

                do
                    sent = sendmsg(fd, &request, 0);
                while (sent == -1 && errno == EINTR);
                found = sent == -1 ? -2 : listen_until(fd, box, id, now_ms() + milliseconds);
                if (found != -1)
                    break;
            }
        error = errno;
        if (fd != -1)
            close(fd);
    }
    if (found >= 0) {
        n = (ssize_t)box->message[found].msg_len - 2;
        if ((size_t)n > size) {
            error = EMSGSIZE;
            n = -1;
        } else if (n > 0)
            memcpy(answer, box->data[found] + 2, (size_t)n);
    }
    free(box);
    freeaddrinfo(list);
    errno = error;
    return n;
}
