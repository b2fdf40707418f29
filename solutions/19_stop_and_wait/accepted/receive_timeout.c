/* Blocking receives with SO_RCVTIMEO, set anew for what is left of each wait.  The
   sender puts its datagrams together in a buffer of its own. */

#include "stop_and_wait.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PIECE 512

static long long microseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* What recvfrom() returns; ETIMEDOUT at that moment, 0 for none. */
static ssize_t hear(int fd, unsigned char *to, size_t size, struct sockaddr_storage *from,
                    long long end)
{
    for (;;) {
        long long rest = end ? end - microseconds() : 0;
        struct timeval limit = { rest / 1000000, rest % 1000000 };
        socklen_t length = sizeof *from;
        ssize_t n;

        if (end && rest <= 0)
            return errno = ETIMEDOUT, -1;
        if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == -1)
            return -1;
        memset(from, 0, sizeof *from);
        n = recvfrom(fd, to, size, 0, (struct sockaddr *)from, &length);
        if (n != -1 || (errno != EAGAIN && errno != EINTR))
            return n;
    }
}

static int hand_over(int fd, const unsigned char *datagram, size_t length, int milliseconds)
{
    int count = 40;

    while (count-- > 0) {
        long long end;
        unsigned char got[3];
        struct sockaddr_storage from;
        ssize_t n;

        do
            n = send(fd, datagram, length, 0);
        while (n == -1 && errno == EINTR);
        if (n == -1 && errno != ECONNREFUSED)
            return -1;
        end = microseconds() + milliseconds * 1000LL;
        while ((n = hear(fd, got, sizeof got, &from, end)) != -1 || errno == ECONNREFUSED)
            if (n == 2 && got[0] == 1 && got[1] == datagram[1])
                return 0;
        if (errno != ETIMEDOUT)
            return -1;
    }
    return errno = ETIMEDOUT, -1;
}

static int fail(int error, int fd, struct addrinfo *list)
{
    if (fd != -1)
        close(fd);
    if (list)
        freeaddrinfo(list);
    errno = error;
    return -1;
}

static int find(const char *host, const char *port, struct addrinfo **list)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM,
                              .ai_flags = host ? 0 : AI_PASSIVE };
    int error = getaddrinfo(host, port, &hints, list);

    if (error && error != EAI_SYSTEM)
        errno = ENOENT;
    return error ? -1 : 0;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len,
                  int milliseconds)
{
    unsigned char datagram[2 + PIECE] = { 0 };
    struct addrinfo *list, *a;
    int error = 0;

    if (milliseconds < 0 || (!data && len))
        return errno = EINVAL, -1;
    if (find(host, port, &list) == -1)
        return -1;
    for (a = list; a; a = a->ai_next) {
        size_t at = 0, piece, number = 0;
        int fd = socket(AF_INET, SOCK_DGRAM, 0);

        if (fd == -1) {
            error = errno;
            continue;
        }
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            for (;; number++) {
                piece = len - at > PIECE ? PIECE : len - at;
                datagram[1] = number % 2;
                if (piece)
                    memcpy(datagram + 2, (const char *)data + at, piece);
                if (hand_over(fd, datagram, 2 + piece, milliseconds) == -1)
                    break;
                at += piece;
                if (!piece) {
                    fail(0, fd, list);
                    return 0;
                }
            }
        error = errno;
        if (number)
            return fail(error, fd, list);
        close(fd);
    }
    return fail(error, -1, list);
}

static int same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    unsigned char got[1024];
    struct sockaddr_storage sender = { 0 }, from;
    struct addrinfo *list;
    size_t length = 0;
    long long end = 0;
    int fd, turn = 0;

    if (milliseconds < 0 || (!data && size))
        return errno = EINVAL, -1;
    if (find(NULL, port, &list) == -1)
        return -1;
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd == -1 || bind(fd, list->ai_addr, list->ai_addrlen) == -1)
        return fail(errno, fd, list);
    for (;;) {
        ssize_t n = hear(fd, got, sizeof got, &from, end);
        int bit = got[1];

        if (n == -1 && errno == ETIMEDOUT)
            break;
        if (n == -1)
            return fail(errno, fd, list);
        if (n < 2 || n > 2 + PIECE || got[0] != 0 || bit > 1)
            continue;
        if (sender.ss_family == 0 && bit == 0)
            sender = from;
        if (!same(&sender, &from))
            continue;
        if (end && (n > 2 || bit == turn))
            continue;
        if (!end && bit == turn && length + (size_t)n - 2 > size)
            return fail(EMSGSIZE, fd, list);
        got[0] = 1;
        while (sendto(fd, got, 2, 0, (struct sockaddr *)&from, sizeof(struct sockaddr_in)) == -1)
            if (errno != EINTR)
                return fail(errno, fd, list);
        if (n == 2 && (end || bit == turn))
            end = microseconds() + milliseconds * 1000LL + 1;
        if (bit != turn)
            continue;
        if (n > 2)
            memcpy(data + length, got + 2, (size_t)n - 2);
        length += (size_t)n - 2;
        turn = 1 - turn;
    }
    fail(0, fd, list);
    return (ssize_t)length;
}
