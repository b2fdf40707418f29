/* The sockets of a process, with its directory in /proc held open: a linked list of
   lines, put in order while they are found. */
#define _GNU_SOURCE
#include "process_sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct line {
    struct line *next;
    char text[];
};

struct inode {
    struct inode *next;
    uintmax_t number;
};

struct look {
    int process;                /* its directory */
    struct inode *inodes;
    struct line *lines;
};

static int is_wanted(const struct look *look, uintmax_t number)
{
    const struct inode *inode = look->inodes;

    while (inode != NULL && inode->number != number)
        inode = inode->next;
    return inode != NULL;
}

static int want(struct look *look, uintmax_t number)
{
    struct inode *inode;

    if (is_wanted(look, number))
        return 0;
    inode = malloc(sizeof *inode);
    if (inode == NULL)
        return -1;
    *inode = (struct inode){ look->inodes, number };
    look->inodes = inode;
    return 0;
}

static int insert(struct look *look, const char *table, const char *state, const char *rest)
{
    size_t length = strlen(table) + strlen(state) + strlen(rest) + 3;
    struct line *line = malloc(sizeof *line + length), **at = &look->lines;

    if (line == NULL)
        return -1;
    stpcpy(stpcpy(stpcpy(stpcpy(stpcpy(line->text, table), " "), state), " "), rest);
    while (*at != NULL && strcmp((*at)->text, line->text) < 0)
        at = &(*at)->next;
    line->next = *at;
    *at = line;
    return 0;
}

/* What stat() says of a descriptor is said of what it refers to. */
static int look_at_descriptors(struct look *look)
{
    int fd = openat(look->process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
    struct dirent *entry;
    struct stat status;
    DIR *directory;

    if (fd == -1)
        return -1;
    directory = fdopendir(fd);
    if (directory == NULL) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    while (result == 0 && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (fstatat(fd, entry->d_name, &status, 0) == 0) {
            if (S_ISSOCK(status.st_mode))
                result = want(look, status.st_ino);
        } else if (errno != ENOENT) {
            result = -1;
        }
    }
    if (result == -1) {
        int error = errno;

        closedir(directory);
        errno = error;
        return -1;
    }
    closedir(directory);
    return 0;
}

static char *put_end(char *out, const char *hex, uint16_t port)
{
    unsigned char bytes[16];
    uint32_t word;
    size_t count = 0;

    if (port == 0)
        return stpcpy(out, "-");
    for (; sscanf(hex, "%8" SCNx32, &word) == 1; hex += 8, count += 4)
        memcpy(bytes + count, &word, 4);
    if (count == 16)
        *out++ = '[';
    inet_ntop(count == 16 ? AF_INET6 : AF_INET, bytes, out, INET6_ADDRSTRLEN);
    out += strlen(out);
    if (count == 16)
        *out++ = ']';
    return out + sprintf(out, ":%" PRIu16, port);
}

static const char *state_of_ip(const char *table, unsigned number)
{
    switch (number) {
    case 1:
        return "ESTABLISHED";
    case 2:
        return "SYN_SENT";
    case 3:
        return "SYN_RECV";
    case 4:
        return "FIN_WAIT1";
    case 5:
        return "FIN_WAIT2";
    case 6:
        return "TIME_WAIT";
    case 7:
        return *table == 'u' ? "UNCONN" : "CLOSE";
    case 8:
        return "CLOSE_WAIT";
    case 9:
        return "LAST_ACK";
    case 10:
        return "LISTEN";
    default:
        return "CLOSING";
    }
}

static int look_at_ip(struct look *look, const char *table, char *row)
{
    char own[33], other[33], ends[140], *end;
    uint16_t own_port, other_port;
    uintmax_t inode;
    unsigned state;

    if (sscanf(row, " %*d: %32[^:]:%4" SCNx16 " %32[^:]:%4" SCNx16 " %2x %*s %*s %*s %*d %*d %ju",
               own, &own_port, other, &other_port, &state, &inode) != 6 || !is_wanted(look, inode))
        return 0;
    end = put_end(ends, own, own_port);
    *end++ = ' ';
    put_end(end, other, other_port);
    return insert(look, table, state_of_ip(table, state), ends);
}

static int look_at_unix(struct look *look, const char *table, char *row)
{
    unsigned flags, state;
    uintmax_t inode;
    int at = 0;

    if (sscanf(row, "%*x: %*x %*x %x %*x %x %ju%n", &flags, &state, &inode, &at) != 3 ||
        !is_wanted(look, inode))
        return 0;
    return insert(look, table,
                  flags >> 16 & 1 ? "LISTEN" : state == 3 ? "CONNECTED" : "UNCONN",
                  row[at] != '\0' ? row + at + 1 : "-");
}

static int look_at_table(struct look *look, const char *table,
                         int (*at_row)(struct look *, const char *, char *))
{
    char path[16] = "net/", *row = NULL;
    size_t room = 0;
    int fd, error = 0;
    FILE *file;

    fd = openat(look->process, strcat(path, table), O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return errno == ENOENT ? 0 : -1;
    file = fdopen(fd, "r");
    if (file == NULL) {
        error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    while (error == 0 && getline(&row, &room, file) != -1) {
        row[strcspn(row, "\n")] = '\0';
        if (at_row(look, table, row) == -1)
            error = errno;
    }
    if (error == 0 && ferror(file))
        error = errno;
    free(row);
    fclose(file);
    errno = error;
    return error == 0 ? 0 : -1;
}

static int look_at_all(struct look *look)
{
    if (look_at_descriptors(look) == -1 || look_at_table(look, "unix", look_at_unix) == -1)
        return -1;
    if (look_at_table(look, "tcp", look_at_ip) == -1 || look_at_table(look, "tcp6", look_at_ip) == -1)
        return -1;
    if (look_at_table(look, "udp", look_at_ip) == -1 || look_at_table(look, "udp6", look_at_ip) == -1)
        return -1;
    return 0;
}

/* Whether the process has ended; everybody may ask. */
static int has_ended(const struct look *look)
{
    int fd = openat(look->process, "stat", O_RDONLY | O_CLOEXEC);
    char text[1024], *behind;
    ssize_t n;

    if (fd == -1)
        return errno == ENOENT || errno == ESRCH;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return 1;
    text[n] = '\0';
    behind = strrchr(text, ')');
    return behind == NULL || behind[1] == '\0' || behind[2] == 'Z';
}

static int put_lines(const struct look *look, char *text, size_t size)
{
    size_t length = 0;

    for (const struct line *line = look->lines; line != NULL; line = line->next)
        length += strlen(line->text) + 1;
    if (length >= size) {
        errno = EMSGSIZE;
        return -1;
    }
    *text = '\0';
    for (const struct line *line = look->lines; line != NULL; line = line->next)
        text = stpcpy(stpcpy(text, line->text), "\n");
    return (int)length;
}

int sockets_of(int pid, char *text, size_t size)
{
    struct look look = { -1, NULL, NULL };
    char path[32];
    int result, error;

    if (text == NULL && size != 0) {
        errno = EINVAL;
        return -1;
    }
    sprintf(path, "/proc/%d", pid);
    look.process = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (look.process == -1) {
        if (errno == ENOENT)
            errno = ESRCH;
        return -1;
    }
    result = look_at_all(&look);
    error = errno;
    if (has_ended(&look)) {
        while (look.lines != NULL) {
            struct line *next = look.lines->next;

            free(look.lines);
            look.lines = next;
        }
        result = 0;
    }
    errno = error;
    if (result == 0)
        result = put_lines(&look, text, size);
    error = errno;
    close(look.process);
    for (struct line *next; look.lines != NULL; look.lines = next) {
        next = look.lines->next;
        free(look.lines);
    }
    for (struct inode *next; look.inodes != NULL; look.inodes = next) {
        next = look.inodes->next;
        free(look.inodes);
    }
    errno = error;
    return result;
}
