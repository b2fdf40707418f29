/*
 * expect: fail
 * gap: other
 * cause: The counter is tested right after the send, so the fortieth datagram goes out but its acknowledgement is never waited for.
 * shows: when only the fortieth copy is acknowledged, and in the time-out that comes one wait too early
 * says: its acknowledgement is not waited for
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

#define MAX_SENDS 40

struct machine {
    int fd;
    const unsigned char *data;
    size_t len, at, part;
    unsigned char packet[514];
    int sends, acknowledged;
    int milliseconds;
    struct timespec deadline;
};

typedef int (*step)(struct machine *);          /* index of the next step, or DONE or FAILED */
enum { LOAD, SEND, WAIT, DONE, FAILED };

static struct timespec add_ms(struct timespec t, int milliseconds)
{
    t.tv_sec += milliseconds / 1000;
    t.tv_nsec += milliseconds % 1000 * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

static struct timespec now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t;
}

static struct timespec rest(struct timespec deadline)
{
    struct timespec n = now(), r = { deadline.tv_sec - n.tv_sec, deadline.tv_nsec - n.tv_nsec };
    if (r.tv_nsec < 0) {
        r.tv_sec--;
        r.tv_nsec += 1000000000L;
    }
    if (r.tv_sec < 0)
        r = (struct timespec){ 0, 0 };
    return r;
}

static int passed(struct timespec deadline)
{
    struct timespec r = rest(deadline);
    return r.tv_sec == 0 && r.tv_nsec == 0;
}

static int wait_input(int fd, struct timespec deadline)
{
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        struct timespec r = rest(deadline);
        int n = ppoll(&p, 1, &r, NULL);
        if (n == 1 || (n == -1 && errno != EINTR))
            return n;
        if (passed(deadline))
            return 0;
    }
}

static int load(struct machine *m)
{
    m->part = m->len - m->at;
    if (m->part > 512)
        m->part = 512;
    if (m->part > 0)
        memcpy(m->packet + 2, m->data + m->at, m->part);
    m->sends = 0;
    return SEND;
}

static int transmit(struct machine *m)
{
    ssize_t n;
    do
        n = send(m->fd, m->packet, m->part + 2, 0);
    while (n == -1 && errno == EINTR);
    if (n == -1 && errno != ECONNREFUSED)
        return FAILED;
    if (++m->sends >= MAX_SENDS) {
        errno = ETIMEDOUT;
        return FAILED;
    }
    m->deadline = add_ms(now(), m->milliseconds);
    return WAIT;
}

static int await(struct machine *m)
{
    unsigned char in[3];
    int r = wait_input(m->fd, m->deadline);
    ssize_t n;

    if (r == -1)
        return FAILED;
    if (r == 0)
        return SEND;
    n = recv(m->fd, in, sizeof in, MSG_DONTWAIT);
    if (n == 2 && in[0] == 1 && in[1] == m->packet[1]) {
        m->acknowledged = 1;
        m->packet[1] ^= 1;
        m->at += m->part;
        return m->part == 0 ? DONE : LOAD;
    }
    if (n == -1 && errno != ECONNREFUSED && errno != EAGAIN && errno != EINTR)
        return FAILED;
    return passed(m->deadline) ? SEND : WAIT;
}

static int find(const char *host, const char *port, int flags, struct addrinfo **list)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_flags = flags };
    int code = getaddrinfo(host, port, &hints, list);
    if (code != 0 && (code != EAI_SYSTEM || errno == 0))
        errno = ENXIO;
    return code == 0 ? 0 : -1;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    static const step steps[] = { load, transmit, await };
    struct addrinfo *list, *a;
    int state = FAILED, e = ENXIO;

    if (host == NULL || port == NULL || (data == NULL && len != 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (find(host, port, 0, &list) == -1)
        return -1;
    for (a = list; a != NULL && state == FAILED; a = a->ai_next) {
        struct machine m = { .data = data, .len = len, .milliseconds = milliseconds };
        m.fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (m.fd == -1) {
            e = errno;
            continue;
        }
        if (connect(m.fd, a->ai_addr, a->ai_addrlen) == 0)
            for (state = LOAD; state < DONE;)
                state = steps[state](&m);
        e = errno;
        close(m.fd);
        if (m.acknowledged)
            break;
    }
    freeaddrinfo(list);
    if (state == DONE)
        return 0;
    errno = e;
    return -1;
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo *list, *a;
    struct sockaddr_in peer = { 0 }, from;
    struct timespec deadline = { 0, 0 };
    unsigned char in[515], turn = 0, end = 255;
    int fd = -1, e = ENXIO, known = 0;
    size_t got = 0;
    ssize_t n;

    if (port == NULL || (data == NULL && size != 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (find(NULL, port, AI_PASSIVE, &list) == -1)
        return -1;
    for (a = list; a != NULL; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd != -1 && bind(fd, a->ai_addr, a->ai_addrlen) == 0)
            break;
        e = errno;
        if (fd != -1)
            close(fd);
        fd = -1;
    }
    freeaddrinfo(list);
    if (fd == -1) {
        errno = e;
        return -1;
    }
    for (;;) {
        socklen_t len = sizeof from;
        int ok;

        if (end != 255) {
            int r = wait_input(fd, deadline);
            if (r == 0)
                break;
            if (r == -1)
                goto fail;
        }
        n = recvfrom(fd, in, sizeof in, end != 255 ? MSG_DONTWAIT : 0, (struct sockaddr *)&from, &len);
        if (n == -1 && (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT))
            goto fail;
        ok = n >= 2 && n <= 514 && in[0] == 0 && in[1] <= 1;
        if (ok)
            ok = known ? from.sin_port == peer.sin_port && from.sin_addr.s_addr == peer.sin_addr.s_addr : in[1] == 0;
        if (ok && end != 255)
            ok = n == 2 && in[1] == end;
        if (!ok) {
            if (end != 255 && passed(deadline))
                break;
            continue;
        }
        if (end == 255 && in[1] == turn) {
            if ((size_t)n - 2 > size - got) {
                errno = EMSGSIZE;
                goto fail;
            }
            if (n > 2)
                memcpy(data + got, in + 2, (size_t)n - 2);
            else
                end = in[1];
            got += (size_t)n - 2;
            turn ^= 1;
            peer = from;
            known = 1;
        }
        unsigned char ack[2] = { 1, in[1] };
        sendto(fd, ack, sizeof ack, 0, (struct sockaddr *)&peer, sizeof peer);
        deadline = add_ms(now(), milliseconds);
    }
    close(fd);
    return (ssize_t)got;

fail:
    e = errno;
    close(fd);
    errno = e;
    return -1;
}
