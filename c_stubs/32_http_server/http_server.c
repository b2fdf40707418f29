/* A server of HTTP/1.1: the files under a folder, a thread for each client. */

#define _GNU_SOURCE             /* memmem(), strcasecmp() */
#include "http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LONGEST_HEADER 8192

/* A connection, and what has come on it and is not used yet. */
struct client {
    int fd;
    int milliseconds;
    char root[PATH_MAX];
    size_t have;
    char unread[2 * LONGEST_HEADER];
};

/* What the header of a request says. */
struct request {
    int head_only, is_last;
    unsigned long long length;          /* of the body */
    char target[LONGEST_HEADER];
};

/* Close fd without losing errno.  Returns -1. */
static int give_up(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
    return -1;
}

/* Listen on port, on every IPv4 address of this machine.  Returns the listening
   socket, or -1 with errno set. */
static int listen_on(const char *port)
{
    struct addrinfo hints, *candidates, *c;
    int listener = -1, error, on = 1;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;        /* addresses to accept on */
    error = getaddrinfo(NULL, port, &hints, &candidates);
    if (error != 0) {
        /* EAI_ codes are no errnos, except where they say so. */
        if (error != EAI_SYSTEM)
            errno = EINVAL;
        return -1;
    }
    for (c = candidates; c != NULL && listener == -1; c = c->ai_next) {
        listener = socket(c->ai_family, c->ai_socktype, c->ai_protocol);
        if (listener == -1)
            continue;
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (bind(listener, c->ai_addr, c->ai_addrlen) == -1 ||
            listen(listener, 100) == -1)
            listener = give_up(listener);
    }
    error = errno;
    freeaddrinfo(candidates);
    errno = error;
    return listener;
}

/* Milliseconds of a clock that nobody sets. */
static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Receive once from c.  Returns the number of bytes, 0 at end-of-file, or -1
   for an error or if nothing has come until then. */
static ssize_t receive(struct client *c, long long until)
{
    struct pollfd asked = { c->fd, POLLIN, 0 };

    for (;;) {
        long long left = until - now();
        int ready = left > 0 ? poll(&asked, 1, -1) : 0;
        char *room = c->unread + c->have;
        ssize_t n = ready > 0 ? recv(c->fd, room, sizeof c->unread - c->have, 0) : -1;

        if (n >= 0) {
            c->have += (size_t)n;
            return n;
        }
        if (ready == 0 || errno != EINTR)
            return -1;
    }
}

/* Wait for the header of the next request.  Returns its length with the empty
   line, which is more than LONGEST_HEADER if it is too long, or 0 if none comes. */
static size_t next_header(struct client *c)
{
    long long until = now() + c->milliseconds;
    char *end;

    if (c->have == 0) {
        if (receive(c, until) <= 0)
            return 0;
        until = now() + c->milliseconds;        /* from the first byte on */
    }
    while ((end = memmem(c->unread, c->have, "\r\n\r\n", 4)) == NULL) {
        if (c->have > LONGEST_HEADER)
            return c->have;
        if (receive(c, now() + c->milliseconds) <= 0)
            return 0;
    }
    return (size_t)(end - c->unread) + 4;
}

/* Have done with len bytes, also if they are still to come.  Returns 0, or -1. */
static int skip(struct client *c, unsigned long long len)
{
    while (len > c->have) {
        len -= c->have;
        c->have = 0;
        if (receive(c, now() + c->milliseconds) <= 0)
            return -1;
    }
    c->have -= len;
    memmove(c->unread, c->unread + len, c->have);
    return 0;
}

/* Read the fields of a request.  Returns 0, or the status that refuses it. */
static int read_fields(char *line, int minor, struct request *r)
{
    int hosts = 0, lengths = 0, is_coded = 0;

    for (char *end; *line != '\0'; line = end + 2) {
        char *value = line + strcspn(line, ": \t\r");

        end = strstr(line, "\r\n");
        if (*value != ':')
            return 400;
        *value++ = *end = '\0';
        value += strspn(value, " \t");
        hosts += strcasecmp(line, "Host") == 0;
        is_coded |= strcasecmp(line, "Transfer-Encoding") == 0;
        r->is_last |= strcasecmp(line, "Connection") == 0 && strcasestr(value, "close");
        if (strcasecmp(line, "Content-Length") == 0) {
            size_t digits = strspn(value, "0123456789");
            size_t whole = digits + strspn(value + digits, " \t");
            unsigned long long length = strtoull(value, NULL, 10);

            if (digits == 0 || digits > 18 || value[whole] != '\0' ||
                (lengths++ > 0 && length != r->length))
                return 400;
            r->length = length;
        }
    }
    if (hosts > 1 || (hosts == 0 && minor > 0))
        return 400;
    return is_coded ? 501 : 0;
}

/* Read a header of len bytes.  Returns 200, 405, or the status that refuses it. */
static int parse(char *header, size_t len, struct request *r)
{
    int method = 0, target = 0, version = 0, end = 0, error;
    char *fields = memmem(header, len, "\r\n", 2), major[2], minor[2];

    memset(r, 0, sizeof *r);
    if (memchr(header, '\0', len) != NULL)
        return 400;
    *fields = header[len - 2] = '\0';   /* there ends the line, and there all of it */
    if (sscanf(header, "%*[!-~]%n %n%*[^ ]%n HTTP/%1[0-9].%1[0-9]%n", &method,
               &target, &version, major, minor, &end) != 2 || header + end != fields)
        return 400;
    if (*major != '1')
        return 505;
    error = read_fields(fields + 2, *minor - '0', r);
    if (error != 0)
        return error;
    header[method] = '\0';
    memcpy(r->target, header + target, (size_t)(version - target));
    r->is_last |= *minor == '0';
    r->head_only = strcmp(header, "HEAD") == 0;
    return r->head_only || strcmp(header, "GET") == 0 ? 200 : 405;
}

/* Put the bytes that %xx stand for in their place, and end text before a query.
   Returns 0, or -1 if it names nothing. */
static int decode(char *text)
{
    const char *from = text;

    text[strcspn(text, "?")] = '\0';
    for (; *from != '\0'; text++) {
        *text = *from++;
        if (*text != '%')
            continue;
        if (strspn(from, "0123456789abcdefABCDEF") < 2)
            return -1;
        *text = (char)strtol((char[]){ from[0], from[1], '\0' }, NULL, 16);
        if (*text == '\0')
            return -1;
        from += 2;
    }
    *text = '\0';
    return 0;
}

/* Open the regular file under root that a target names.  Returns it, or -1. */
static int open_file(const char *root, char *target, off_t *size)
{
    char path[PATH_MAX + LONGEST_HEADER], real[PATH_MAX];
    struct stat found;
    int file;

    if (decode(target) == -1)
        return -1;
    snprintf(path, sizeof path, "%s/%s", root, target);
    if (realpath(path, real) == NULL)
        return -1;
    file = open(real, O_RDONLY | O_CLOEXEC);
    if (file == -1)
        return -1;
    if (fstat(file, &found) == -1 || !S_ISREG(found.st_mode))
        return give_up(file);
    *size = found.st_size;
    return file;
}

/* Send all len bytes of data on fd.  Returns 0, or -1 with errno set. */
static int send_all(int fd, const char *data, size_t len, int flags)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, flags);

        if (n == -1 && errno != EINTR)
            return -1;
        if (n > 0)
            len = 0;            /* sent */
    }
    return 0;
}

/* Send the header of an answer; flags: whether its body follows.  Returns 0 or -1. */
static int send_header(struct client *c, int status, off_t size, int is_last, int flags)
{
    const char *phrase = status == 200 ? "OK"
                       : status == 404 ? "Not Found"
                       : status == 405 ? "Method Not Allowed\r\nAllow: GET, HEAD"
                       : status == 431 ? "Request Header Fields Too Large"
                       : status == 501 ? "Not Implemented"
                       : status == 505 ? "HTTP Version Not Supported" : "Bad Request";
    char text[256], date[64];
    time_t seconds = time(NULL);
    struct tm parts;

    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &parts));
    snprintf(text, sizeof text,
             "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Length: %lld\r\n%s\r\n",
             status, phrase, date, (long long)size,
             is_last ? "Connection: close\r\n" : "");
    return send_all(c->fd, text, strlen(text), flags);
}

/* Send size bytes of file.  Returns 0, or -1 if that fails, or there are fewer. */
static int send_body(int fd, int file, off_t size)
{
    char data[16384];

    while (size > 0) {
        size_t most = size < (off_t)sizeof data ? (size_t)size : sizeof data;
        ssize_t n = read(file, data, most);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0 || send_all(fd, data, (size_t)n, 0) == -1)
            return -1;
        size -= n;
    }
    return 0;
}

/* Answer the next request.  Returns 1 if another one may follow, 0 if it was the
   last, or -1 if the client is gone, or its time is up. */
static int answer_next(struct client *c)
{
    size_t len = next_header(c);
    struct request r;
    off_t size = 0, body;
    int status, file = -1, result;

    if (len == 0)
        return -1;
    status = parse(c->unread, len, &r);
    if (status != 200 && status != 405)
        return send_header(c, status, 0, 1, 0);
    c->have = 0;
    if (status == 200 && (file = open_file(c->root, r.target, &size)) == -1)
        status = 404;
    body = size;
    result = send_header(c, status, size, r.is_last, body > 0 ? MSG_MORE : 0);
    if (result == 0)
        result = send_body(c->fd, file, body);
    if (file != -1)
        close(file);
    return result == -1 ? -1 : !r.is_last;
}

/* Half-close, and read on for a while: close() with bytes unread would send a
   reset, and that takes the answer with it. */
static void take_leave(struct client *c)
{
    long long until = now() + c->milliseconds;

    shutdown(c->fd, SHUT_WR);
    do
        c->have = 0;
    while (receive(c, until) > 0);
}

/* Be a client's thread. */
static void *attend(void *argument)
{
    struct client *c = argument;
    int going;

    while ((going = answer_next(c)) == 1)
        ;
    close(c->fd);
    free(c);
    return NULL;
}

/* Let a new client be served, or lose it if there is no thread for it. */
static void admit(int fd, const char *root, int milliseconds)
{
    struct client *c = malloc(sizeof *c);

    if (c != NULL) {
        *c = (struct client){ .fd = fd, .milliseconds = milliseconds };
        strcpy(c->root, root);
        attend(c);
        return;
    }
    close(fd);
}

int serve(const char *port, const char *root, int milliseconds)
{
    int listener, connection;
    char real[PATH_MAX + 2];            /* path of root, "" for that of all */

    if (milliseconds < 0) {
        errno = EINVAL;
        return -1;
    }
    if (realpath(root, real) == NULL || access(strcat(real, "/."), F_OK) == -1)
        return -1;              /* of a file that is ENOTDIR */
    real[strlen(real) - (strcmp(real, "//.") == 0 ? 3 : 2)] = '\0';
    listener = listen_on(port);
    if (listener == -1)
        return -1;
    for (;;) {
        connection = accept(listener, NULL, NULL);
        if (connection == -1) {
            if (errno == EBADF || errno == EINVAL || errno == ENOTSOCK ||
                errno == EFAULT)
                return give_up(listener);
            usleep(10000);      /* descriptors may lack for a while */
            continue;
        }
        admit(connection, real, milliseconds);
    }
}
