/*
 * expect: fail
 * gap: other
 * cause: SIGTERM is blocked and read from a signalfd, once; a second one stays pending, and when the mask is put back it is delivered to the caller's action, the default one kills the process.
 * shows: A second SIGTERM while the current client is being finished: the old handler is called, or the process dies, instead of nothing.
 * says: SIGTERM had been blocked and never taken
 */
#include "graceful_stop.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int try_address(const struct addrinfo *a)
{
    const int on = 1;
    int s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (s < 0)
        return -1;
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 || bind(s, a->ai_addr, a->ai_addrlen) < 0 ||
        listen(s, 128) < 0) {
        int e = errno;
        close(s);
        errno = e;
        return -1;
    }
    return s;
}

static int passive(const char *port)
{
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_family = AF_INET, .ai_socktype = SOCK_STREAM };
    struct addrinfo *found, *a;
    int s = -1, e;

    if (!port) {
        errno = EINVAL;
        return -1;
    }
    e = getaddrinfo(NULL, port, &hints, &found);
    if (e) {
        if (e != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (a = found; a && s < 0; a = a->ai_next)
        s = try_address(a);
    e = errno;
    freeaddrinfo(found);
    errno = e;
    return s;
}

struct state {
    int listener, signals, stop;
};

static void check_signal(struct state *st)
{
    struct signalfd_siginfo info;

    if (read(st->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        st->stop = 1;
        close(st->listener);
        st->listener = -1;
    }
}

/* 1 when fd is ready */
static int ready(struct state *st, int fd, short events)
{
    struct pollfd fds[2] = { { fd, events, 0 }, { st->stop ? -1 : st->signals, POLLIN, 0 } };

    if (poll(fds, 2, -1) == -1)
        return 0;
    if (fds[1].revents & POLLIN)
        check_signal(st);
    return fds[0].revents != 0;
}

static void echo_client(struct state *st, int fd)
{
    char data[4096], *rest = data;
    size_t len = 0;
    ssize_t n;

    for (;;) {
        if (!ready(st, fd, len > 0 ? POLLOUT : POLLIN))
            continue;
        if (len > 0) {
            n = send(fd, rest, len, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n > 0) {
                rest += n;
                len -= (size_t)n;
            }
        } else {
            n = recv(fd, data, sizeof data, MSG_DONTWAIT);
            if (n == 0)
                return;
            rest = data;
            len = n > 0 ? (size_t)n : 0;
        }
        if (n == -1 && errno != EAGAIN && errno != EINTR)
            return;
    }
}

static int loop(struct state *st)
{
    while (!st->stop) {
        struct pollfd pause = { st->signals, POLLIN, 0 };
        int fd;

        if (!ready(st, st->listener, POLLIN) || st->stop)
            continue;
        fd = accept(st->listener, NULL, NULL);
        if (fd != -1) {
            echo_client(st, fd);
            close(fd);
            continue;
        }
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            return -1;
        if (errno != EINTR && errno != ECONNABORTED)
            poll(&pause, 1, 20);
    }
    return 0;
}

int serve(const char *port)
{
    struct state st = { -1, -1, 0 };
    sigset_t term, before;
    int rc = -1, saved;

    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    saved = pthread_sigmask(SIG_BLOCK, &term, &before);
    if (saved != 0) {
        errno = saved;
        return -1;
    }
    st.listener = passive(port);
    if (st.listener != -1)
        st.signals = signalfd(-1, &term, SFD_CLOEXEC);
    if (st.signals != -1)
        rc = loop(&st);
    saved = errno;
    if (st.signals != -1)
        close(st.signals);
    if (st.listener != -1)
        close(st.listener);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return rc;
}
