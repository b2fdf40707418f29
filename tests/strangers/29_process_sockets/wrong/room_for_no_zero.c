/*
 * expect: fail
 * gap: other
 * cause: The zero at the end of the text is not counted.
 * shows: A buffer with room for the text alone.
 * says: past the end of a buffer
 */
#include "process_sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct inode_set {
    ino_t *members;
    int count;
};

static int by_number(const void *a, const void *b)
{
    const ino_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int is_number(const struct dirent *entry)
{
    return entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
}

static void free_names(struct dirent **names, int count)
{
    while (count > 0)
        free(names[--count]);
    free(names);
}

/* The inodes of the sockets of a process. */
static int get_inodes(int pid, struct inode_set *set)
{
    char path[300], target[64];
    struct dirent **names;
    int count, error = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    count = scandir(path, &names, is_number, NULL);
    if (count == -1)
        return -1;
    set->members = calloc((size_t)count + 1, sizeof *set->members);
    for (int i = 0; i < count && set->members != NULL && error == 0; i++) {
        ssize_t n;

        snprintf(path, sizeof path, "/proc/%d/fd/%s", pid, names[i]->d_name);
        n = readlink(path, target, sizeof target - 1);
        if (n == -1 && errno != ENOENT)
            error = errno;
        if (n == -1)
            continue;
        target[n] = '\0';
        if (strncmp(target, "socket:[", 8) == 0)
            set->members[set->count++] = strtoul(target + 8, NULL, 10);
    }
    free_names(names, count);
    if (set->members == NULL)
        error = ENOMEM;
    errno = error;
    if (error != 0)
        return -1;
    qsort(set->members, (size_t)set->count, sizeof *set->members, by_number);
    return 0;
}

static int is_member(const struct inode_set *set, ino_t inode)
{
    return bsearch(&inode, set->members, (size_t)set->count, sizeof inode, by_number) != NULL;
}

/* A whole file, ended by a zero; NULL with errno set. */
static char *read_file(int pid, const char *name)
{
    size_t room = 8192, used = 0;
    char path[64], *text = malloc(room), *more;
    ssize_t n = 0;
    int fd, error;

    if (text == NULL)
        return NULL;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    error = errno;
    while (fd != -1 && ((n = read(fd, text + used, room - used - 1)) > 0 || (n == -1 && errno == EINTR))) {
        used += n > 0 ? (size_t)n : 0;
        if (room - used < 2) {
            more = realloc(text, room *= 2);
            if (more == NULL) {
                n = -1;
                break;
            }
            text = more;
        }
    }
    if (n == -1)
        error = errno;
    if (fd != -1)
        close(fd);
    if (fd == -1 || n == -1) {
        free(text);
        errno = error;
        return NULL;
    }
    text[used] = '\0';
    return text;
}

static void print_end(FILE *out, const char *hex)
{
    unsigned long words[4], port;
    unsigned host[4];
    char text[INET6_ADDRSTRLEN];
    size_t length = strcspn(hex, ":");
    int count = (int)length / 8;

    for (int i = 0; i < count; i++) {
        char word[9] = "";

        memcpy(word, hex + 8 * i, 8);
        words[i] = strtoul(word, NULL, 16);
        host[i] = (unsigned)words[i];
    }
    port = strtoul(hex + length + 1, NULL, 16);
    inet_ntop(count == 1 ? AF_INET : AF_INET6, host, text, sizeof text);
    if (port == 0)
        fputs(" -", out);
    else
        fprintf(out, count == 1 ? " %s:%lu" : " [%s]:%lu", text, port);
}

static const char *state_name(const char *table, unsigned state)
{
    static const char *const names[] = {
        [1] = "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
        "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"
    };

    if (table[0] == 'u' && state == 7)
        return "UNCONN";
    return names[state];
}

/* Print what there is to say of a row. */
static void print_row(FILE *out, const struct inode_set *set, const char *table, char *row)
{
    char *fields[12], *rest = row, *name;
    int count = 0, last = strcmp(table, "unix") == 0 ? 6 : 9;

    while (count <= last && (fields[count] = strsep(&rest, " ")) != NULL)
        if (fields[count][0] != '\0')
            count++;
    if (count <= last || !is_member(set, strtoul(fields[last], NULL, 10)))
        return;
    if (last == 9) {
        fprintf(out, "%s %s", table, state_name(table, (unsigned)strtoul(fields[3], NULL, 16)));
        print_end(out, fields[1]);
        print_end(out, fields[2]);
    } else {
        name = rest == NULL ? "-" : rest;
        fprintf(out, "unix %s %s", strtoul(fields[3], NULL, 16) & 0x10000 ? "LISTEN"
                : strcmp(fields[5], "03") == 0 ? "CONNECTED" : "UNCONN", name);
    }
    putc('\n', out);
}

static int print_table(FILE *out, int pid, const struct inode_set *set, const char *table)
{
    char name[32], *text, *rest, *row;

    snprintf(name, sizeof name, "net/%s", table);
    text = read_file(pid, name);
    if (text == NULL)
        return errno == ENOENT ? 0 : -1;
    rest = text;
    strsep(&rest, "\n");
    while ((row = strsep(&rest, "\n")) != NULL)
        print_row(out, set, table, row);
    free(text);
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sort the lines of a text into room for them. */
static int sort_lines(char *text, size_t length, char *sorted)
{
    char **lines, *rest = text;
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += text[i] == '\n';
    lines = malloc((count + 1) * sizeof *lines);
    if (lines == NULL)
        return -1;
    for (size_t i = 0; i < count; i++)
        lines[i] = strsep(&rest, "\n");
    qsort(lines, count, sizeof *lines, by_bytes);
    *sorted = '\0';
    for (size_t i = 0; i < count; i++)
        sorted += sprintf(sorted, "%s\n", lines[i]);
    free(lines);
    return 0;
}

static char state_of(int pid)
{
    char *text = read_file(pid, "stat"), *end, state = 'X';

    if (text == NULL)
        return '?';
    end = strrchr(text, ')');
    if (end != NULL && strlen(end) > 2)
        state = end[2];
    free(text);
    return state;
}

int sockets_of(int pid, char *text, size_t size)
{
    static const char *const tables[] = { "tcp", "tcp6", "udp", "udp6", "unix", NULL };
    struct inode_set set = { NULL, 0 };
    char *lines = NULL;
    size_t length = 0;
    FILE *out;
    int error = 0;

    if (text == NULL && size > 0) {
        errno = EINVAL;
        return -1;
    }
    if (get_inodes(pid, &set) == -1) {
        error = errno;
        free(set.members);
        set = (struct inode_set){ NULL, 0 };
        if (error == ENOENT)
            error = ESRCH;
        if (error == EACCES && state_of(pid) == 'Z')
            error = 0;
    }
    out = error == 0 ? open_memstream(&lines, &length) : NULL;
    if (out == NULL && error == 0)
        error = errno;
    for (int i = 0; error == 0 && set.count > 0 && tables[i] != NULL; i++)
        if (print_table(out, pid, &set, tables[i]) == -1)
            error = errno;
    if (out != NULL)
        fclose(out);
    free(set.members);
    if (error == 0 && length > size)
        error = EMSGSIZE;
    if (error == 0 && sort_lines(lines, length, text) == -1)
        error = ENOMEM;
    free(lines);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return (int)length;
}
