/*
 * expect: pass
 * gap: none
 * cause: The sender's socket is not connected; acknowledgements are compared by address and port with the peer's true name, and ppoll waits for exactly what is left.
 * shows: never
 */
#define _GNU_SOURCE
#include "stop_and_wait.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct addr {
    struct sockaddr_in in;
    socklen_t len;
};

static struct timespec later(int milliseconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += milliseconds / 1000;
    t.tv_nsec += milliseconds % 1000 * 1000000L;
    if (t.tv_nsec > 999999999L) {
        t.tv_sec += 1;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

static struct timespec until(struct timespec end)
{
    struct timespec now = later(0), d = { end.tv_sec - now.tv_sec, end.tv_nsec - now.tv_nsec };
    if (d.tv_nsec < 0) {
        d.tv_nsec += 1000000000L;
        d.tv_sec -= 1;
    }
    if (d.tv_sec < 0)
        d.tv_sec = d.tv_nsec = 0;
    return d;
}

static int over(struct timespec end)
{
    struct timespec d = until(end);
    return d.tv_sec == 0 && d.tv_nsec == 0;
}

/*
 * The next datagram from anywhere: its length, at most size. -2 when end has passed, -1 for an error.
 * Without an end it waits for ever.
 */
static ssize_t next_datagram(int fd, unsigned char *buf, size_t size, struct addr *from, const struct timespec *end)
{
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        struct timespec left;
        if (end)
            left = until(*end);
        int r = ppoll(&p, 1, end ? &left : NULL, NULL);
        if (r == -1 && errno != EINTR)
            return -1;
        if (r == 1) {
            from->len = sizeof from->in;
            ssize_t n = recvfrom(fd, buf, size, MSG_DONTWAIT, (struct sockaddr *)&from->in, &from->len);
            if (n >= 0 || (errno != EAGAIN && errno != EINTR))
                return n;
        }
        if (end && over(*end))
            return -2;
    }
}

static int equal(const struct addr *a, const struct addr *b)
{
    return a->in.sin_family == b->in.sin_family && a->in.sin_addr.s_addr == b->in.sin_addr.s_addr
        && a->in.sin_port == b->in.sin_port;
}

static int set_error(int code)
{
    if (code == EAI_SYSTEM)
        return errno ? errno : EIO;
    if (code == EAI_MEMORY)
        return ENOMEM;
    return code == EAI_SERVICE ? EINVAL : ENOENT;
}

/* Under which address a peer answers; connect tells it without sending anything. */
static int true_name(const struct addrinfo *a, struct addr *name)
{
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol), r, e;
    if (fd == -1)
        return -1;
    name->len = sizeof name->in;
    r = connect(fd, a->ai_addr, a->ai_addrlen);
    if (r == 0)
        r = getpeername(fd, (struct sockaddr *)&name->in, &name->len);
    e = errno;
    close(fd);
    errno = e;
    return r;
}

static int exchange(int fd, const struct addr *peer, const unsigned char *packet, size_t len, int milliseconds)
{
    int sends;
    for (sends = 0; sends < 40; sends++) {
        struct timespec end;
        ssize_t n;
        while ((n = sendto(fd, packet, len, 0, (const struct sockaddr *)&peer->in, peer->len)) == -1 && errno == EINTR)
            ;
        if (n == -1 && errno != ECONNREFUSED)
            return -1;
        end = later(milliseconds);
        do {
            unsigned char in[3];
            struct addr from;
            n = next_datagram(fd, in, sizeof in, &from, &end);
            if (n == -1 && errno != ECONNREFUSED)
                return -1;
            if (n == 2 && equal(&from, peer) && in[0] == 1 && in[1] == packet[1])
                return 0;
        } while (n != -2 && !over(end));
    }
    errno = ETIMEDOUT;
    return -1;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM }, *list, *a;
    int error, code, done = 0;

    if (!host || !port || (!data && len) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    code = getaddrinfo(host, port, &hints, &list);
    if (code) {
        errno = set_error(code);
        return -1;
    }
    error = ENOENT;
    for (a = list; a && !done; a = a->ai_next) {
        struct addr peer;
        unsigned char packet[514];
        size_t at = 0, piece = 0;
        unsigned count = 0;
        int fd;

        if (true_name(a, &peer) == -1 || (fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) == -1) {
            error = errno;
            continue;
        }
        do {
            at += piece;
            piece = len - at > 512 ? 512 : len - at;
            packet[0] = 0;
            packet[1] = count & 1;
            if (piece)
                memcpy(packet + 2, (const unsigned char *)data + at, piece);
            if (exchange(fd, &peer, packet, piece + 2, milliseconds) == -1) {
                error = errno;
                break;
            }
            count++;
            done = piece == 0;
        } while (!done);
        close(fd);
        if (count > 0)
            break;
    }
    freeaddrinfo(list);
    if (done)
        return 0;
    errno = error;
    return -1;
}

static int serious(void)
{
    return errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT;
}

static void reply(int fd, unsigned char bit, const struct addr *to)
{
    const unsigned char ack[2] = { 1, bit };
    (void)sendto(fd, ack, sizeof ack, MSG_DONTWAIT, (const struct sockaddr *)&to->in, to->len);
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE }, *list, *a;
    struct addr peer, from;
    struct timespec end;
    unsigned char in[515], want = 0, last = 2;
    size_t got = 0;
    ssize_t n;
    int fd = -1, known = 0, code, e = ENOENT;

    if (!port || (!data && size) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if ((code = getaddrinfo(NULL, port, &hints, &list)) != 0) {
        errno = set_error(code);
        return -1;
    }
    for (a = list; a && fd == -1; a = a->ai_next) {
        if ((fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol)) == -1) {
            e = errno;
        } else if (bind(fd, a->ai_addr, a->ai_addrlen) == -1) {
            e = errno;
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd == -1) {
        errno = e;
        return -1;
    }

    for (;;) {
        n = next_datagram(fd, in, sizeof in, &from, last == 2 ? NULL : &end);
        if (n == -2)
            goto done;
        if (n == -1 && serious())
            goto failed;
        int data_packet = n >= 2 && n <= 514 && in[0] == 0 && in[1] < 2;
        if (last != 2) {                                    /* lingering */
            if (data_packet && n == 2 && in[1] == last && equal(&from, &peer)) {
                reply(fd, last, &peer);
                end = later(milliseconds);
            } else if (over(end)) {
                goto done;
            }
            continue;
        }
        if (!data_packet || (known ? !equal(&from, &peer) : in[1] != 0))
            continue;
        if (in[1] == want) {
            if ((size_t)n - 2 > size - got) {
                errno = EMSGSIZE;
                goto failed;
            }
            peer = from;
            known = 1;
            want ^= 1;
            if (n > 2)
                memcpy(data + got, in + 2, (size_t)n - 2);
            else
                last = in[1];
            got += (size_t)n - 2;
        }
        reply(fd, in[1], &peer);
        if (last != 2)
            end = later(milliseconds);
    }

done:
    close(fd);
    return (ssize_t)got;
failed:
    e = errno;
    close(fd);
    errno = e;
    return -1;
}
