/*
 * expect: pass
 * gap: none
 * cause: -
 * shows: -
 */
/* The bytes never come into the program: socket -> pipe -> socket, all in the kernel. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static int try_address(const struct addrinfo *a)
{
    int yes = 1, saved, s = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

    if (s < 0)
        return -1;
    if (setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) < 0)
        goto failed;
    if (bind(s, a->ai_addr, a->ai_addrlen) < 0)
        goto failed;
    if (listen(s, SOMAXCONN) < 0)
        goto failed;
    return s;
failed:
    saved = errno;
    close(s);
    errno = saved;
    return -1;
}

static int tcp_listen(const char *port)
{
    struct addrinfo want = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
    struct addrinfo *found, *a;
    int s = -1, saved, rc = getaddrinfo(NULL, port, &want, &found);

    if (rc == EAI_SYSTEM)
        return -1;
    if (rc != 0) {
        errno = rc == EAI_MEMORY ? ENOMEM : EINVAL;
        return -1;
    }
    for (a = found; a != NULL && s < 0; a = a->ai_next)
        s = try_address(a);
    saved = errno;
    freeaddrinfo(found);
    errno = saved;
    return s;
}

static int hopeless(int error)
{
    return error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT;
}

static void empty(int pipe_out, ssize_t rest)
{
    char sink[4096];

    while (rest > 0) {
        ssize_t n = read(pipe_out, sink, rest < (ssize_t)sizeof sink ? (size_t)rest : sizeof sink);
        if (n > 0)
            rest -= n;
        else if (n == 0 || errno != EINTR)
            return;
    }
}

static void echo(int client, const int tube[2])
{
    for (;;) {
        ssize_t in = splice(client, NULL, tube[1], NULL, 32768, SPLICE_F_MOVE);

        if (in < 0 && errno == EINTR)
            continue;
        if (in <= 0)
            return;
        while (in > 0) {
            ssize_t out = splice(tube[0], NULL, client, NULL, (size_t)in, SPLICE_F_MOVE);
            if (out > 0) {
                in -= out;
            } else if (out == 0 || errno != EINTR) {
                empty(tube[0], in); /* the next client must not get them */
                return;
            }
        }
    }
}

int serve(const char *port)
{
    int listener, client, tube[2], saved;

    listener = tcp_listen(port);
    if (listener < 0)
        return -1;
    if (pipe2(tube, O_CLOEXEC) < 0) {
        saved = errno;
        close(listener);
        errno = saved;
        return -1;
    }
    signal(SIGPIPE, SIG_IGN); /* splice() has no MSG_NOSIGNAL */
    for (;;) {
        client = accept(listener, NULL, NULL);
        if (client >= 0) {
            echo(client, tube);
            close(client);
            continue;
        }
        saved = errno;
        if (hopeless(saved))
            break;
        if (saved != EINTR && saved != ECONNABORTED)
            nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
    }
    close(tube[0]);
    close(tube[1]);
    close(listener);
    errno = saved;
    return -1;
}
