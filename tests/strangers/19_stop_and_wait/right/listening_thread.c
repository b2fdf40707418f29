/*
 * expect: pass
 * gap: none
 * cause: A thread without signals receives and judges datagrams; the caller sends and waits on a condition variable with the monotonic clock, and joins the thread through an eventfd.
 * shows: never
 */
#define _GNU_SOURCE
#include "stop_and_wait.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Common to both directions: a socket with a thread that reads it. */
struct station {
    int sock, wake;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void (*hear)(struct station *, const unsigned char *, ssize_t, const struct sockaddr_in *);
    int error;                  /* of receiving, 0 for none */
    int harmless;               /* 1: refusals only; 2: everything that a server survives */
    /* the sender's */
    int awaited;                /* bit, or -1 when it has been acknowledged */
    /* the receiver's */
    char *data;
    size_t size, got;
    bool known, ended;
    unsigned char next, end;
    unsigned long ends_heard;
    struct sockaddr_in peer;
};

static bool survives(const struct station *s, int e)
{
    if (e == EAGAIN || e == EINTR)
        return true;
    if (s->harmless == 1)
        return e == ECONNREFUSED;
    return e != EBADF && e != EINVAL && e != ENOTSOCK && e != EFAULT;
}

static void *listener(void *arg)
{
    struct station *s = arg;
    bool stop = false;

    while (!stop) {
        struct pollfd p[2] = { { s->sock, POLLIN, 0 }, { s->wake, POLLIN, 0 } };
        unsigned char in[520];
        struct sockaddr_in from = { 0 };
        socklen_t length = sizeof from;
        int e = 0;

        if (poll(p, 2, -1) == -1) {
            if (errno == EINTR)
                continue;
            e = errno;
        } else if (p[1].revents) {
            return NULL;
        }
        ssize_t n = -1;
        if (e == 0) {
            n = recvfrom(s->sock, in, sizeof in, MSG_DONTWAIT, (struct sockaddr *)&from, &length);
            if (n == -1) {
                if (survives(s, errno))
                    continue;
                e = errno;
            }
        }
        pthread_mutex_lock(&s->lock);
        if (e == 0)
            s->hear(s, in, n, &from);
        else
            s->error = e;
        stop = s->error != 0;
        pthread_cond_signal(&s->changed);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

/* 0 or an error number; takes over sock only when it succeeds. */
static int open_station(struct station *s, int sock)
{
    pthread_condattr_t attr;
    sigset_t all, old;
    int r;

    s->sock = sock;
    s->wake = eventfd(0, EFD_CLOEXEC);
    if (s->wake == -1)
        return errno;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&s->thread, NULL, listener, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r != 0) {
        close(s->wake);
        pthread_cond_destroy(&s->changed);
        pthread_mutex_destroy(&s->lock);
    }
    return r;
}

static void close_station(struct station *s)
{
    eventfd_write(s->wake, 1);
    pthread_join(s->thread, NULL);
    close(s->wake);
    close(s->sock);
    pthread_cond_destroy(&s->changed);
    pthread_mutex_destroy(&s->lock);
}

static struct timespec in_ms(int milliseconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    long ns = t.tv_nsec + milliseconds % 1000 * 1000000L;
    t.tv_sec += milliseconds / 1000 + ns / 1000000000L;
    t.tv_nsec = ns % 1000000000L;
    return t;
}

static int translate(int code)
{
    if (code == EAI_SYSTEM && errno != 0)
        return errno;
    return code == EAI_MEMORY ? ENOMEM : EDESTADDRREQ;
}

static void hear_ack(struct station *s, const unsigned char *in, ssize_t n, const struct sockaddr_in *from)
{
    (void)from;
    if (n == 2 && in[0] == 1 && in[1] == s->awaited)
        s->awaited = -1;
}

/* 0 or an error number */
static int send_one(struct station *s, const unsigned char *packet, size_t len, int milliseconds)
{
    int e = 0;

    pthread_mutex_lock(&s->lock);
    s->awaited = packet[1];
    for (int count = 0; count < 40 && e == 0 && s->awaited != -1; count++) {
        ssize_t n;
        pthread_mutex_unlock(&s->lock);
        do
            n = send(s->sock, packet, len, 0);
        while (n == -1 && errno == EINTR);
        if (n == -1 && errno != ECONNREFUSED)
            e = errno;
        struct timespec limit = in_ms(milliseconds);
        pthread_mutex_lock(&s->lock);
        while (e == 0 && s->awaited != -1) {
            if (s->error != 0)
                e = s->error;
            else if (pthread_cond_timedwait(&s->changed, &s->lock, &limit) == ETIMEDOUT)
                break;
        }
    }
    if (e == 0 && s->awaited != -1)
        e = s->error != 0 ? s->error : ETIMEDOUT;
    s->awaited = -1;
    pthread_mutex_unlock(&s->lock);
    return e;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM }, *list;
    int e, acknowledged = 0;

    if (host == NULL || port == NULL || (data == NULL && len > 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if ((e = getaddrinfo(host, port, &hints, &list)) != 0) {
        errno = translate(e);
        return -1;
    }
    e = EDESTADDRREQ;
    for (struct addrinfo *a = list; a != NULL && acknowledged == 0; a = a->ai_next) {
        struct station s = { .hear = hear_ack, .awaited = -1, .harmless = 1 };
        int sock = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (sock == -1) {
            e = errno;
            continue;
        }
        e = connect(sock, a->ai_addr, a->ai_addrlen) == -1 ? errno : open_station(&s, sock);
        if (e != 0) {
            close(sock);
            continue;
        }
        size_t left = len, part;
        const char *from = data;
        do {
            unsigned char packet[514] = { 0, (unsigned char)(acknowledged & 1) };
            part = left < 512 ? left : 512;
            if (part > 0)
                memcpy(packet + 2, from, part);
            e = send_one(&s, packet, 2 + part, milliseconds);
            if (e != 0)
                break;
            acknowledged = acknowledged == 2 ? 1 : acknowledged + 1;
            if (part > 0)
                from += part;
            left -= part;
        } while (part > 0);
        close_station(&s);
    }
    freeaddrinfo(list);
    if (e != 0) {
        errno = e;
        return -1;
    }
    return 0;
}

static void hear_data(struct station *s, const unsigned char *in, ssize_t n, const struct sockaddr_in *from)
{
    if (n < 2 || n > 514 || in[0] != 0 || in[1] > 1)
        return;
    if (s->known ? (from->sin_addr.s_addr != s->peer.sin_addr.s_addr || from->sin_port != s->peer.sin_port) : in[1] == 1)
        return;
    size_t part = (size_t)n - 2;
    if (s->ended) {
        if (part != 0 || in[1] != s->end)
            return;
        s->ends_heard++;
    } else if (in[1] == s->next) {
        if (part > s->size - s->got) {
            s->error = EMSGSIZE;
            return;
        }
        if (part > 0)
            memcpy(s->data + s->got, in + 2, part);
        s->got += part;
        s->peer = *from;
        s->known = true;
        s->next = !s->next;
        if (part == 0) {
            s->ended = true;
            s->end = in[1];
            s->ends_heard = 1;
        }
    }
    const unsigned char ack[2] = { 1, in[1] };
    sendto(s->sock, ack, 2, MSG_DONTWAIT, (struct sockaddr *)&s->peer, sizeof s->peer);
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM, .ai_flags = AI_PASSIVE }, *list;
    struct station s = { .hear = hear_data, .harmless = 2, .data = data, .size = size, .awaited = -1 };
    int e, sock = -1;

    if (port == NULL || (data == NULL && size > 0) || milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if ((e = getaddrinfo(NULL, port, &hints, &list)) != 0) {
        errno = translate(e);
        return -1;
    }
    e = EDESTADDRREQ;
    for (struct addrinfo *a = list; a != NULL && sock == -1; a = a->ai_next) {
        sock = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (sock == -1) {
            e = errno;
        } else if (bind(sock, a->ai_addr, a->ai_addrlen) == -1) {
            e = errno;
            close(sock);
            sock = -1;
        }
    }
    freeaddrinfo(list);
    if (sock != -1 && (e = open_station(&s, sock)) != 0)
        close(sock);
    if (e != 0) {
        errno = e;
        return -1;
    }

    pthread_mutex_lock(&s.lock);
    while (s.error == 0 && !s.ended)
        pthread_cond_wait(&s.changed, &s.lock);
    while (s.error == 0) {
        unsigned long heard = s.ends_heard;
        struct timespec limit = in_ms(milliseconds);
        int r = 0;
        while (s.error == 0 && s.ends_heard == heard && r != ETIMEDOUT)
            r = pthread_cond_timedwait(&s.changed, &s.lock, &limit);
        if (s.ends_heard == heard)
            break;
    }
    e = s.error;
    pthread_mutex_unlock(&s.lock);
    close_station(&s);
    if (e != 0) {
        errno = e;
        return -1;
    }
    return (ssize_t)s.got;
}
