/*
 * expect: fail
 * gap: other
 * cause: After a time-out in the middle of the transfer the sender goes on to the next address and begins again there, though the next address may be tried only while nothing has been acknowledged.
 * shows: with a name of several addresses whose first acknowledges something and then falls silent
 * says: begins again at another address, although the first datagram was acknowledged
 */
#define _GNU_SOURCE
#include "stop_and_wait.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct timespec moment(int milliseconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += milliseconds / 1000;
    t.tv_nsec += milliseconds % 1000 * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_nsec -= 1000000000L;
        t.tv_sec++;
    }
    return t;
}

static int milliseconds_to(const struct timespec *t)
{
    struct timespec n = moment(0);
    long long ns = (t->tv_sec - n.tv_sec) * 1000000000LL + t->tv_nsec - n.tv_nsec;
    if (ns <= 0)
        return 0;
    ns = (ns + 999999) / 1000000;
    return ns > 1000000 ? 1000000 : (int)ns;
}

static int await(int poll, const struct timespec *t)
{
    for (;;) {
        struct epoll_event e;
        int r = epoll_wait(poll, &e, 1, t ? milliseconds_to(t) : -1);
        if (r == 1)
            return 1;
        if (r == -1 && errno != EINTR)
            return -1;
        if (t && milliseconds_to(t) == 0)
            return 0;
    }
}

static int polled(int fd)
{
    struct epoll_event e = { .events = EPOLLIN };
    int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll != -1 && epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e) == -1) {
        int saved = errno;
        close(poll);
        errno = saved;
        poll = -1;
    }
    return poll;
}

static int bring(int fd, int poll, const unsigned char *packet, size_t n, int milliseconds)
{
    int left = 40;
    while (left-- > 0) {
        struct timespec end;
        ssize_t r;
        while ((r = send(fd, packet, n, 0)) == -1 && errno == EINTR)
            ;
        if (r == -1 && errno != ECONNREFUSED)
            return -1;
        end = moment(milliseconds);
        do {
            unsigned char a[10];
            int w = await(poll, &end);
            if (w == -1)
                return -1;
            if (w == 0)
                break;
            r = recv(fd, a, sizeof a, MSG_DONTWAIT);
            if (r == 2 && a[0] == 1 && a[1] == packet[1])
                return 0;
            if (r == -1 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
                return -1;
        } while (milliseconds_to(&end) > 0);
    }
    errno = ETIMEDOUT;
    return -1;
}

static int bring_all(const struct addrinfo *a, const char *data, size_t len, int milliseconds)
{
    unsigned char packet[514] = { 0, 0 };
    int fd, poll = -1, result = -1, saved;
    size_t n;

    if ((fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) == -1)
        return -1;
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 && (poll = polled(fd)) != -1) {
        do {
            n = len < 512 ? len : 512;
            if (n > 0) {
                memcpy(packet + 2, data, n);
                data += n;
                len -= n;
            }
            result = bring(fd, poll, packet, n + 2, milliseconds);
            packet[1] ^= 1;
        } while (result == 0 && n > 0);
    }
    saved = errno;
    if (poll != -1)
        close(poll);
    close(fd);
    errno = saved;
    return result;
}

static int translate(int code)
{
    if (code == EAI_SYSTEM)
        return errno ? errno : ENOENT;
    return code == EAI_MEMORY ? ENOMEM : ENOENT;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM }, *list, *a;
    int code, saved;

    if (!host || !port || (!data && len) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if ((code = getaddrinfo(host, port, &hints, &list)) != 0) {
        errno = translate(code);
        return -1;
    }
    for (a = list; a; a = a->ai_next)
        if (bring_all(a, data, len, milliseconds) == 0)
            break;
    saved = errno;
    freeaddrinfo(list);
    errno = saved;
    return a ? 0 : -1;
}

static int over_and_out(int e)
{
    return e == EBADF || e == EINVAL || e == ENOTSOCK || e == EFAULT;
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE }, *list, *a;
    struct sockaddr_in first = { 0 }, from;
    struct timespec end, *limit = NULL;
    unsigned char packet[600], bit = 0, last = 0;
    int code, saved = ENOENT, fd = -1, poll = -1, known = 0;
    size_t got = 0;
    ssize_t result = -1;

    if (!port || (!data && size) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if ((code = getaddrinfo(NULL, port, &hints, &list)) != 0) {
        errno = translate(code);
        return -1;
    }
    for (a = list; a; a = a->ai_next) {
        if ((fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) == -1) {
            saved = errno;
            continue;
        }
        if (bind(fd, a->ai_addr, a->ai_addrlen) == 0)
            break;
        saved = errno;
        close(fd);
    }
    freeaddrinfo(list);
    if (!a) {
        errno = saved;
        return -1;
    }
    if ((poll = polled(fd)) == -1)
        goto out;
    for (;;) {
        socklen_t len = sizeof from;
        int w = await(poll, limit), mine;
        ssize_t n;

        if (w == -1)
            goto out;
        if (w == 0)
            break;
        n = recvfrom(fd, packet, sizeof packet, MSG_DONTWAIT, (struct sockaddr *)&from, &len);
        if (n == -1 && over_and_out(errno))
            goto out;
        mine = n >= 2 && n <= 514 && packet[0] == 0 && packet[1] <= 1
            && (known ? from.sin_port == first.sin_port && from.sin_addr.s_addr == first.sin_addr.s_addr : packet[1] == 0)
            && (!limit || (n == 2 && packet[1] == last));
        if (mine) {
            unsigned char ack[2] = { 1, packet[1] };
            if (!limit && packet[1] == bit) {
                if ((size_t)n - 2 > size - got) {
                    errno = EMSGSIZE;
                    goto out;
                }
                if (n > 2)
                    memcpy(data + got, packet + 2, (size_t)n - 2);
                got += (size_t)n - 2;
                bit ^= 1;
                first = from;
                known = 1;
                if (n == 2) {
                    last = packet[1];
                    limit = &end;
                }
            }
            sendto(fd, ack, sizeof ack, 0, (struct sockaddr *)&first, sizeof first);
            end = moment(milliseconds);
        } else if (limit && milliseconds_to(limit) == 0) {
            break;
        }
    }
    result = (ssize_t)got;
out:
    saved = errno;
    if (poll != -1)
        close(poll);
    close(fd);
    errno = saved;
    return result;
}
