/* expect: fail
 * gap: other
 * cause: A half-close of the client is taken for its end, before what it has asked is answered.
 * shows: A client that sends its requests and half-closes.
 * says: the connection is closed as soon as poll() tells of the client's end
 */
/* A server of HTTP/1.1 in one thread: every client has a state, and poll() tells who
   can go on. */

#define _GNU_SOURCE
#include "http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum state { HEADER, BODY, SENDING, LEAVING, GONE };

struct client {
    struct client *next;
    int fd, file, status, head_only, is_last;
    enum state state;
    long long until;            /* when its time is up; 0: never */
    unsigned long long body;    /* bytes of it that are still to come */
    size_t have, sent, owed;
    long long left;             /* bytes of the file */
    char target[8192];
    char in[9000];
    char out[20000];
};

static struct client *first;
static char root[PATH_MAX];
static long long span;

static long long clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int bind_to(const char *port)
{
    struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM,
                              .ai_flags = AI_PASSIVE }, *list;
    int fd, rc, saved, one = 1;

    rc = getaddrinfo(NULL, port, &hints, &list);
    if (rc != 0) {
        if (rc != EAI_SYSTEM)
            errno = ENOENT;
        return -1;
    }
    fd = socket(list->ai_family, list->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, list->ai_protocol);
    if (fd != -1 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == -1 ||
                     bind(fd, list->ai_addr, list->ai_addrlen) == -1 || listen(fd, 64) == -1)) {
        saved = errno;
        close(fd);
        errno = saved;
        fd = -1;
    }
    saved = errno;
    freeaddrinfo(list);
    errno = saved;
    return fd;
}

static int hex(char c)
{
    const char *digits = "0123456789abcdef", *at = c != '\0' ? strchr(digits, c | 32) : NULL;

    return at != NULL && !(c >= 16 && c < 26) ? (int)(at - digits) : -1;
}

/* The file that a target names, or -1. */
static int find(const char *target, long long *size)
{
    char name[8300 + PATH_MAX], real[PATH_MAX];
    size_t at = (size_t)sprintf(name, "%s/", root), len = strlen(root);
    struct stat st;
    int fd;

    for (; *target != '\0' && *target != '?'; target++) {
        int byte = (unsigned char)*target;

        if (byte == '%') {
            int high = hex(target[1]), low = high < 0 ? -1 : hex(target[2]);

            byte = low < 0 ? 0 : high * 16 + low;
            target += 2;
            if (byte == 0)
                return -1;
        }
        name[at++] = (char)byte;
    }
    name[at] = '\0';
    if (realpath(name, real) == NULL || strncmp(real, root, len) != 0 || real[len] != '/')
        return -1;
    if (stat(real, &st) == -1 || !S_ISREG(st.st_mode))
        return -1;
    fd = open(real, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *size = st.st_size;
    return fd;
}

/* What a header says; returns its status. */
static int judge(struct client *c, char *text)
{
    char *line, *rest, *target, *version;
    int hosts = 0, coded = 0, has_length = 0;

    c->is_last = 1;
    c->head_only = 0;
    c->body = 0;
    line = strsep(&text, "\r");
    target = strchr(line, ' ');
    version = strrchr(line, ' ');
    if (target == NULL || target == version || memchr(target + 1, ' ', (size_t)(version - target - 1)))
        return 400;
    *target++ = *version++ = '\0';
    if (strncmp(version, "HTTP/", 5) != 0 || strspn(version + 5, "0123456789") != 1 ||
        version[6] != '.' || strspn(version + 7, "0123456789") != 1 || version[8] != '\0')
        return 400;
    if (version[5] != '1')
        return 505;
    c->is_last = version[7] == '0';
    c->head_only = strcmp(line, "HEAD") == 0;
    strcpy(c->target, target);
    while ((rest = strsep(&text, "\r")) != NULL && strcmp(rest, "\n") != 0) {
        char *name = rest + 1, *value = name + strcspn(name, ": \t"), *end;

        if (value == name || *value != ':')
            return 400;
        *value++ = '\0';
        value += strspn(value, " \t");
        for (end = value + strlen(value); end > value && strchr(" \t", end[-1]) != NULL; )
            *--end = '\0';
        if (strcasecmp(name, "host") == 0)
            hosts++;
        if (strcasecmp(name, "transfer-encoding") == 0)
            coded = 1;
        if (strcasecmp(name, "connection") == 0 && strcasecmp(value, "close") == 0)
            c->is_last = 1;
        if (strcasecmp(name, "content-length") == 0) {
            unsigned long long length = 0;

            if (*value == '\0' || strlen(value) > 17 || value[strspn(value, "0123456789")] != '\0')
                return 400;
            length = strtoull(value, NULL, 10);
            if (has_length && length != c->body)
                return 400;
            has_length = 1;
            c->body = length;
        }
    }
    if (hosts > 1 || (hosts == 0 && version[7] != '0'))
        return 400;
    if (coded)
        return 501;
    return c->head_only || strcmp(line, "GET") == 0 ? 200 : 405;
}

static void begin_answer(struct client *c)
{
    char date[40];
    time_t seconds = time(NULL);

    c->left = 0;
    c->file = c->status == 200 ? find(c->target, &c->left) : -1;
    if (c->status == 200 && c->file == -1)
        c->status = 404;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&seconds));
    c->owed = (size_t)sprintf(c->out, "HTTP/1.1 %d X\r\nContent-Length: %lld\r\n%sDate: %s\r\n\r\n",
                              c->status, c->left, c->status == 405 ? "Allow: HEAD, GET\r\n" : "", date);
    c->sent = 0;
    if (c->head_only)
        c->left = 0;
    c->state = SENDING;
    c->until = 0;
}

static void refuse(struct client *c, int status)
{
    c->status = status;
    c->is_last = 1;
    begin_answer(c);
}

static void drop_input(struct client *c, size_t n)
{
    memmove(c->in, c->in + n, c->have - n);
    c->have -= n;
}

/* One step of what a client can do without waiting; returns whether there may be another. */
static int step(struct client *c)
{
    char *end;
    ssize_t n;
    size_t part;

    switch (c->state) {
    case HEADER:
        end = memmem(c->in, c->have, "\r\n\r\n", 4);
        part = end == NULL ? c->have : (size_t)(end - c->in) + 4;
        if (part > 8192) {
            c->head_only = 0;
            refuse(c, 431);
            return 1;
        }
        if (end == NULL)
            return 0;
        if (memchr(c->in, '\0', part) != NULL) {
            refuse(c, 400);
            return 1;
        }
        end[2] = '\0';
        c->status = judge(c, strdupa(c->in));
        drop_input(c, part);
        if (c->status != 200 && c->status != 405)
            refuse(c, c->status);
        else
            c->state = BODY;
        c->until = c->state == BODY ? clock_now() + span : 0;
        return 1;
    case BODY:
        part = c->body < c->have ? (size_t)c->body : c->have;
        drop_input(c, part);
        c->body -= part;
        if (c->body > 0)
            return 0;
        begin_answer(c);
        return 1;
    case SENDING:
        if (c->sent < c->owed) {
            n = send(c->fd, c->out + c->sent, c->owed - c->sent, 0);
            if (n == -1 && errno == EAGAIN)
                return 0;
            if (n == -1 && errno != EINTR)
                c->state = GONE;
            if (n > 0)
                c->sent += (size_t)n;
            return 1;
        }
        if (c->left > 0) {
            n = read(c->file, c->out, c->left < 20000 ? (size_t)c->left : sizeof c->out);
            if (n == -1 && errno == EINTR)
                return 1;
            if (n <= 0)
                c->state = GONE;
            c->sent = 0;
            c->owed = n > 0 ? (size_t)n : 0;
            c->left -= n;
            return 1;
        }
        if (c->file != -1)
            close(c->file);
        c->file = -1;
        c->until = clock_now() + span;
        c->state = HEADER;
        if (c->is_last) {
            shutdown(c->fd, SHUT_WR);
            c->state = LEAVING;
        }
        return 1;
    case LEAVING:
        c->have = 0;
        return 0;
    default:
        return 0;
    }
}

static void hear(struct client *c)
{
    ssize_t n = recv(c->fd, c->in + c->have, sizeof c->in - c->have, 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        c->state = GONE;
        return;
    }
    if (c->state == BODY || (c->state == HEADER && c->have == 0))
        c->until = clock_now() + span;
    c->have += (size_t)n;
}

/* Close those who are gone, or whose time is up. */
static void sweep(int all)
{
    struct client **link = &first, *c;

    while ((c = *link) != NULL) {
        if (!all && c->state != GONE && (c->until == 0 || c->until > clock_now())) {
            link = &c->next;
            continue;
        }
        *link = c->next;
        if (c->file != -1)
            close(c->file);
        close(c->fd);
        free(c);
    }
}

static int admit(int listener, long long *pause)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct client *c;

    if (fd == -1) {
        if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK || errno == EFAULT)
            return -1;
        if (errno != EAGAIN && errno != EINTR)
            *pause = clock_now() + 20;
        return 0;
    }
    c = malloc(sizeof *c);
    if (c == NULL) {
        close(fd);
        return 0;
    }
    c->fd = fd;
    c->file = -1;
    c->state = HEADER;
    c->have = 0;
    c->until = clock_now() + span;
    c->next = first;
    first = c;
    return 0;
}

static int loop(int listener)
{
    long long pause = 0;

    for (;;) {
        long long now = clock_now(), next = pause > now ? pause : 0;
        struct pollfd *asked;
        struct client *c;
        size_t count = 1, i = 0;
        int result;

        for (c = first; c != NULL; c = c->next, count++)
            if (c->until != 0 && (next == 0 || c->until < next))
                next = c->until;
        asked = malloc(count * sizeof *asked);
        if (asked == NULL)
            return -1;
        asked[0] = (struct pollfd){ pause > now ? -1 : listener, POLLIN, 0 };
        for (c = first, i = 1; c != NULL; c = c->next, i++)
            asked[i] = (struct pollfd){ c->fd, (c->state == SENDING ? POLLOUT : POLLIN) | POLLRDHUP, 0 };
        result = poll(asked, count, next == 0 ? -1 : next > now ? (int)(next - now) : 0);
        if (result == -1 && errno != EINTR) {
            int saved = errno;
            free(asked);
            errno = saved;
            return -1;
        }
        for (c = first, i = 1; c != NULL && result > 0; c = c->next, i++) {
            if (asked[i].revents & POLLRDHUP)
                c->state = GONE;
            else if (asked[i].revents != 0 && c->state != SENDING)
                hear(c);
            while (asked[i].revents != 0 && step(c))
                ;
        }
        result = result > 0 && asked[0].revents != 0 ? admit(listener, &pause) : 0;
        free(asked);
        if (result == -1)
            return -1;
        sweep(0);
    }
}

int serve(const char *port, const char *folder, int milliseconds)
{
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    struct stat st;
    int listener, saved;

    if (milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    span = milliseconds;
    if (realpath(folder, root) == NULL || stat(root, &st) == -1)
        return -1;
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    if (root[1] == '\0')
        root[0] = '\0';
    listener = bind_to(port);
    if (listener == -1)
        return -1;
    sigaction(SIGPIPE, &ignore, NULL);
    loop(listener);
    saved = errno;
    sweep(1);
    close(listener);
    errno = saved;
    return -1;
}
