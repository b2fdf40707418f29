/* A chat room around select(), with one record for each descriptor. */

#include "event_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_OWED 65536
#define MOST_HEARD 4096

struct person {
    char heard[MOST_HEARD], *owed;
    size_t n_heard, n_owed;
};

struct chat {
    struct person *at[FD_SETSIZE];      /* NULL: nobody has this descriptor */
    int top;
};

static int would_wait(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void leaves(struct chat *chat, int fd)
{
    if (chat->at[fd] == NULL)
        return;
    close(fd);
    free(chat->at[fd]->owed);
    free(chat->at[fd]);
    chat->at[fd] = NULL;
}

static void enters(struct chat *chat, int fd)
{
    int flags = fcntl(fd, F_GETFL);

    if (fd >= FD_SETSIZE || flags == -1 ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
        (chat->at[fd] = calloc(1, sizeof(struct person))) == NULL) {
        close(fd);
        return;
    }
    if (fd > chat->top)
        chat->top = fd;
}

/* Send what can be sent without waiting. */
static void gets(struct chat *chat, int fd)
{
    struct person *p = chat->at[fd];
    ssize_t n = send(fd, p->owed, p->n_owed, MSG_NOSIGNAL);

    if (n == -1) {
        if (!would_wait(errno))
            leaves(chat, fd);
        return;
    }
    p->n_owed -= (size_t)n;
    memmove(p->owed, p->owed + n, p->n_owed);
}

static void is_told(struct chat *chat, int fd, const char *data, size_t len)
{
    struct person *p = chat->at[fd];
    char *owed = realloc(p->owed, p->n_owed + len);

    if (owed == NULL) {
        leaves(chat, fd);
        return;
    }
    p->owed = owed;
    memcpy(owed + p->n_owed, data, len);
    p->n_owed += len;
    if (p->n_owed > MOST_OWED)
        leaves(chat, fd);
}

static void say(struct chat *chat, int speaker, const char *data, size_t len)
{
    for (int fd = 0; fd <= chat->top; fd++)
        if (fd != speaker && chat->at[fd] != NULL)
            is_told(chat, fd, data, len);
}

static void speaks(struct chat *chat, int fd)
{
    struct person *p = chat->at[fd];
    char data[2048], line[MOST_HEARD + 1];
    ssize_t n = recv(fd, data, sizeof data, 0);

    if (n == -1 && would_wait(errno))
        return;
    if (n <= 0) {
        leaves(chat, fd);
        return;
    }
    for (ssize_t i = 0; i < n; i++) {
        if (data[i] == '\n') {
            memcpy(line, p->heard, p->n_heard);
            line[p->n_heard] = '\n';
            say(chat, fd, line, p->n_heard + 1);
            p->n_heard = 0;
        } else if (p->n_heard == MOST_HEARD) {
            leaves(chat, fd);
            return;
        } else {
            p->heard[p->n_heard++] = data[i];
        }
    }
}

static int begin(const char *port)
{
    struct addrinfo hints, *found;
    int fd = -1, yes = 1, error;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    error = getaddrinfo(NULL, port, &hints, &found);
    if (error) {
        if (error != EAI_SYSTEM)
            errno = ENOENT;
        return -1;
    }
    for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd == -1) {
            error = errno;
            continue;
        }
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
            bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 64) == 0 &&
            fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
            break;
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    errno = error;
    return fd;
}

int serve(const char *port)
{
    static struct chat chat;
    int listener = begin(port), lacking = 0;

    if (listener == -1)
        return -1;
    memset(&chat, 0, sizeof chat);
    chat.top = listener;
    for (;;) {
        struct timeval moment = { 0, 20000 };
        fd_set in, out;

        FD_ZERO(&in);
        FD_ZERO(&out);
        if (!lacking)
            FD_SET(listener, &in);
        for (int fd = 0; fd <= chat.top; fd++) {
            if (chat.at[fd] != NULL)
                FD_SET(fd, &in);
            if (chat.at[fd] != NULL && chat.at[fd]->n_owed > 0)
                FD_SET(fd, &out);
        }
        if (select(chat.top + 1, &in, &out, NULL, lacking ? &moment : NULL) == -1)
            continue;
        lacking = 0;
        for (int fd = 0; fd <= chat.top; fd++) {
            if (chat.at[fd] != NULL && FD_ISSET(fd, &out))
                gets(&chat, fd);
            if (chat.at[fd] != NULL && FD_ISSET(fd, &in))
                speaks(&chat, fd);
        }
        if (FD_ISSET(listener, &in)) {
            int fd = accept(listener, NULL, NULL);

            if (fd != -1)
                enters(&chat, fd);
            else
                lacking = !would_wait(errno);
        }
    }
}
