/* expect: fail
 * gap: other
 * cause: The time of a header counts from the end of the answer before, not from its first byte.
 * shows: A client that thinks before it asks.
 * says: gets end-of-file where an answer was to come, and no answer
 */
/* A server of HTTP/1.1 with threads whose time limits the kernel keeps (SO_RCVTIMEO);
   the kernel sends the files, too, and says where a path has led. */

#define _GNU_SOURCE
#include "http_server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 8192, ROOM = 32768 };

struct job {
    int sock;
    double seconds;
    char root[PATH_MAX];
    char data[ROOM];
    size_t begin, end;          /* what of data is not used yet */
};

struct wish {
    bool known, body_wanted, last;
    long long body;
    char target[LIMIT + 1];
};

static double moment(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Wait for bytes behind those that are there: 1, or 0 if there will be none. */
static int fill(struct job *j, double until)
{
    for (;;) {
        double left = until - moment();
        struct timeval limit = { (time_t)left, (suseconds_t)((left - (double)(time_t)left) * 1e6) };
        ssize_t n;

        if (left < 1e-6)
            return 0;
        if (j->begin > 0) {
            memmove(j->data, j->data + j->begin, j->end - j->begin);
            j->end -= j->begin;
            j->begin = 0;
        }
        if (setsockopt(j->sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == -1)
            return 0;
        n = recv(j->sock, j->data + j->end, ROOM - j->end, 0);
        if (n > 0) {
            j->end += (size_t)n;
            return 1;
        }
        if (n == 0 || (errno != EINTR && errno != EAGAIN))
            return 0;
    }
}

/* The length of the next header, 0 if none comes, LIMIT + 1 if it is too long. */
static size_t header(struct job *j)
{
    double until = moment() + j->seconds;
    size_t seen = 0;

    if (j->begin == j->end && !fill(j, until))
        return 0;
    for (;;) {
        const char *text = j->data + j->begin;
        size_t have = j->end - j->begin;

        for (; seen + 4 <= have; seen++)
            if (memcmp(text + seen, "\r\n\r\n", 4) == 0)
                return seen + 4 <= LIMIT ? seen + 4 : LIMIT + 1;
        if (have > LIMIT)
            return LIMIT + 1;
        if (!fill(j, until))
            return 0;
    }
}

static bool is_number(const char *text)
{
    return *text >= '0' && *text <= '9' && strlen(text) <= 18 && text[strspn(text, "0123456789")] == '\0';
}

/* The status for a header, of which a copy is torn up. */
static int understand(const char *text, size_t len, struct wish *w)
{
    char copy[LIMIT + 1], method[LIMIT + 1], version[LIMIT + 1], extra[2];
    int hosts = 0, codings = 0;
    char *line, *place;

    memset(w, 0, sizeof *w);
    if (memchr(text, '\0', len) != NULL)
        return 400;
    memcpy(copy, text, len);
    copy[len - 2] = '\0';
    line = strtok_r(copy, "\n", &place);
    line[strlen(line) - 1] = '\0';
    if (sscanf(line, "%s %s %s %1s", method, w->target, version, extra) != 3)
        return 400;
    if (strlen(version) != 8 || memcmp(version, "HTTP/", 5) != 0 || version[6] != '.' ||
        strspn(version + 5, "0123456789.") != 3)
        return 400;
    if (version[5] != '1')
        return 505;
    w->last = version[7] == '0';
    w->body = -1;
    while ((line = strtok_r(NULL, "\n", &place)) != NULL) {
        size_t name = strcspn(line, ":"), end = strlen(line) - 1;
        char *value = line + name + 1;

        if (name >= end || name == 0 || strcspn(line, " \t") < name)
            return 400;
        line[name] = '\0';
        while (end > name && strchr(" \t\r", line[end]) != NULL)
            line[end--] = '\0';
        value += strspn(value, " \t");
        if (!strcasecmp(line, "host")) {
            hosts++;
        } else if (!strcasecmp(line, "transfer-encoding")) {
            codings++;
        } else if (!strcasecmp(line, "connection")) {
            if (strcasestr(value, "close"))
                w->last = true;
        } else if (!strcasecmp(line, "content-length")) {
            if (!is_number(value) || (w->body >= 0 && atoll(value) != w->body))
                return 400;
            w->body = atoll(value);
        }
    }
    if (w->body < 0)
        w->body = 0;
    if (hosts > 1 || (hosts < 1 && version[7] != '0'))
        return 400;
    if (codings > 0)
        return 501;
    w->body_wanted = strcmp(method, "GET") == 0;
    w->known = w->body_wanted || strcmp(method, "HEAD") == 0;
    return w->known ? 200 : 405;
}

/* Replace %xx; false where there is no such name. */
static bool unquote(char *text)
{
    char *out = text, *query = strchr(text, '?');
    unsigned byte;
    int used;

    if (query != NULL)
        *query = '\0';
    while (*text != '\0') {
        byte = (unsigned char)*text;
        used = 1;
        if (byte == '%') {
            if (strspn(text + 1, "0123456789abcdefABCDEF") < 2 || sscanf(text + 1, "%2x", &byte) != 1 || byte == 0)
                return false;
            used = 3;
        }
        *out++ = (char)byte;
        text += used;
    }
    *out = '\0';
    return true;
}

/* A descriptor for reading the file, -1 if there is none. */
static int get(const char *root, const char *name, off_t *size)
{
    char path[PATH_MAX + LIMIT + 2], link[64], real[PATH_MAX];
    size_t len = strlen(root);
    struct stat st;
    ssize_t n;
    int place, file = -1;

    snprintf(path, sizeof path, "%s/%s", root, name);
    place = open(path, O_PATH | O_CLOEXEC);
    if (place == -1)
        return -1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", place);
    n = readlink(link, real, sizeof real - 1);
    if (n > 0)
        real[n] = '\0';
    if (n > 0 && strncmp(real, root, len) == 0 && real[len] == '/' && fstat(place, &st) == 0 &&
        S_ISREG(st.st_mode)) {
        *size = st.st_size;
        file = open(link, O_RDONLY | O_CLOEXEC);
    }
    close(place);
    return file;
}

static int put(int sock, const char *data, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = write(sock, data + done, len - done);

        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int answer(struct job *j, int status, bool last, int file, off_t size, bool body_wanted)
{
    char text[300], date[64];
    time_t t = time(NULL);
    struct tm tm;
    off_t at = 0;

    gmtime_r(&t, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %T GMT", &tm);
    sprintf(text, "HTTP/1.1 %d As It Is\r\ndate:%s\r\ncontent-length:%lld\r\n%s%s\r\n", status, date, (long long)size,
            status == 405 ? "allow: GET,HEAD\r\n" : "", last ? "connection: close\r\n" : "");
    if (put(j->sock, text, strlen(text)) == -1)
        return -1;
    while (body_wanted && at < size) {
        ssize_t n = sendfile(j->sock, file, &at, (size_t)(size - at));

        if (n == 0 || (n == -1 && errno != EINTR))
            return -1;
    }
    return 0;
}

/* One request: 1 if another may come, 0 if that was the last, -1 if all is over. */
static int one(struct job *j)
{
    struct wish w;
    size_t len = header(j);
    off_t size = 0;
    int status, file = -1, result;

    if (len == 0)
        return -1;
    status = len > LIMIT ? 431 : understand(j->data + j->begin, len, &w);
    if (status != 200 && status != 405)
        return answer(j, status, true, -1, 0, false);
    j->begin += len;
    while (w.body > 0) {
        size_t part = j->end - j->begin;

        if (part == 0 && !fill(j, moment() + j->seconds))
            return -1;
        part = j->end - j->begin < (size_t)w.body ? j->end - j->begin : (size_t)w.body;
        j->begin += part;
        w.body -= (long long)part;
    }
    if (status == 200) {
        file = unquote(w.target) ? get(j->root, w.target, &size) : -1;
        status = file == -1 ? 404 : 200;
    }
    result = answer(j, status, w.last, file, size, w.body_wanted && file != -1);
    if (file != -1)
        close(file);
    return result == -1 ? -1 : w.last ? 0 : 1;
}

static void *work(void *argument)
{
    struct job *j = argument;
    int result;

    do
        result = one(j);
    while (result > 0);
    if (result == 0 && shutdown(j->sock, SHUT_WR) == 0) {
        double until = moment() + j->seconds;

        do
            j->begin = j->end = 0;
        while (fill(j, until));
    }
    close(j->sock);
    free(j);
    return NULL;
}

int serve(const char *port, const char *root, int milliseconds)
{
    struct addrinfo hints = { 0 }, *list;
    pthread_attr_t detached;
    char real[PATH_MAX];
    struct stat st;
    int listener, error, yes = 1;

    if (milliseconds < 0 || root == NULL) {
        errno = EINVAL;
        return -1;
    }
    if (realpath(root, real) == NULL || stat(real, &st) == -1)
        return -1;
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return -1;
    }
    if (strcmp(real, "/") == 0)
        real[0] = '\0';
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE;
    error = getaddrinfo(NULL, port, &hints, &list);
    if (error != 0) {
        errno = error == EAI_SYSTEM ? errno : EADDRNOTAVAIL;
        return -1;
    }
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener == -1 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == -1 ||
        bind(listener, list->ai_addr, list->ai_addrlen) == -1 || listen(listener, SOMAXCONN) == -1) {
        error = errno;
        freeaddrinfo(list);
        if (listener != -1)
            close(listener);
        errno = error;
        return -1;
    }
    freeaddrinfo(list);
    signal(SIGPIPE, SIG_IGN);           /* sendfile() has no flag against it */
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (;;) {
        struct job *j = malloc(sizeof *j);
        pthread_t thread;

        if (j == NULL) {
            usleep(20000);
            continue;
        }
        j->sock = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (j->sock == -1) {
            error = errno;
            free(j);
            if (error == EBADF || error == EINVAL || error == ENOTSOCK || error == EFAULT)
                break;
            if (error != EINTR)
                usleep(20000);
            continue;
        }
        j->begin = j->end = 0;
        j->seconds = milliseconds / 1e3;
        strcpy(j->root, real);
        if (pthread_create(&thread, &detached, work, j) != 0) {
            close(j->sock);
            free(j);
        }
    }
    pthread_attr_destroy(&detached);
    close(listener);
    errno = error;
    return -1;
}
