/* The sockets of a process, as the kernel tells of them in /proc. */

#include "process_sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CLOSE = 7,                  /* state of a UDP socket without a peer, too */
    CONNECTED = 3,              /* state of a Unix socket, and a flag: */
    LISTENS = 0x10000,
    ENDPOINT = INET6_ADDRSTRLEN + 8,    /* [address]:port, and the zero */
    PATH = 64
};

/* The states of TCP, by their numbers (netinet/tcp.h). */
static const char *const states[] = {
    "", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2",
    "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"
};

/* What has been found: the inodes of the sockets that the process has open, and
   lines about them. */
struct found {
    unsigned long *inodes;
    char **lines;
    size_t inode_count, line_count;
};

/* Set errno.  Returns -1. */
static int fail(int error)
{
    errno = error;
    return -1;
}

/* Keep an inode. */
static int add_inode(struct found *found, unsigned long inode)
{
    unsigned long *more;

    more = realloc(found->inodes, (found->inode_count + 1) * sizeof *more);
    if (more == NULL)
        return -1;
    found->inodes = more;
    more[found->inode_count++] = inode;
    return 0;
}

static int append(struct found *found, const char *table, const char *state,
                  const char *name)
{
    size_t size = strlen(table) + strlen(state) + strlen(name) + 3;
    char **more = realloc(found->lines, (found->line_count + 1) * sizeof *more);

    if (more == NULL)
        return -1;
    found->lines = more;
    more[found->line_count] = malloc(size);
    if (more[found->line_count] == NULL)
        return -1;
    snprintf(more[found->line_count++], size, "%s %s %s", table, state, name);
    return 0;
}

/* Add the line of a socket, if it is one of the process. */
static int add_line(struct found *found, unsigned long inode, const char *table,
                    const char *state, const char *name)
{
    return inode == 0 ? 0 : append(found, table, state, name);
}

/* Find the inodes of the sockets that a process has open. */
static int find_inodes(int pid, struct found *found)
{
    char path[PATH], target[PATH];
    struct dirent *entry;
    DIR *directory;
    int result = 0;

    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    directory = opendir(path);
    if (directory == NULL)
        return -1;
    while (result == 0 && (entry = readdir(directory)) != NULL) {
        unsigned long inode;
        ssize_t n = readlinkat(dirfd(directory), entry->d_name, target, sizeof target - 1);

        if (n == -1) {
            if (errno != EINVAL)        /* "." */
                result = -1;
            continue;
        }
        target[n] = '\0';
        if (sscanf(target, "socket:[%lu]", &inode) == 1)
            result = add_inode(found, inode);
    }
    closedir(directory);
    return result;
}

/* Write an endpoint as people do; "-" for none.  Its address is in words of 32
   bits, each as a number of this machine. */
static void write_endpoint(char *text, const char *hex, unsigned port)
{
    char address[INET6_ADDRSTRLEN];
    uint32_t words[4];
    int count = 0;

    for (; count < 4 && sscanf(hex, "%8x", &words[count]) == 1; count++) {
        words[count] = htonl(words[count]);
        hex += 8;
    }
    inet_ntop(count == 1 ? AF_INET : AF_INET6, words, address, sizeof address);
    if (port == 0)
        strcpy(text, "-");
    else
        snprintf(text, ENDPOINT, count == 1 ? "%s:%u" : "[%s]:%u", address, port);
}

/* Look at a row of a table of TCP or UDP. */
static int read_internet(const char *row, const char *table, struct found *found)
{
    char local[33], remote[33], names[2 * ENDPOINT];
    unsigned local_port, remote_port, state;
    unsigned long inode;

    if (sscanf(row, "%*s %32[0-9A-F]:%x %32[0-9A-F]:%x %x %*s %*s %*s %*s %*s %lu", local,
               &local_port, remote, &remote_port, &state, &inode) != 6)
        return 0;
    write_endpoint(names, local, local_port);
    strcat(names, " ");
    write_endpoint(names + strlen(names), remote, remote_port);
    if (strncmp(table, "udp", 3) == 0 && state == CLOSE)
        return add_line(found, inode, table, "UNCONN", names);
    return add_line(found, inode, table, states[state], names);
}

/* Look at a row of the table of the Unix domain. */
static int read_unix(const char *row, const char *table, struct found *found)
{
    unsigned flags, state;
    unsigned long inode;
    char name[109] = "-";

    if (sscanf(row, "%*s %*s %*s %x %*s %x %lu %108s", &flags, &state, &inode, name) < 3)
        return 0;
    return add_line(found, inode, table,
                    flags & LISTENS ? "LISTEN" : state == CONNECTED ? "CONNECTED" : "UNCONN",
                    name);
}

/* Look at each row of a table of the network that the process is in. */
static int read_table(int pid, const char *table, struct found *found,
                      int (*read_row)(const char *, const char *, struct found *))
{
    char path[PATH], *row = NULL;
    size_t room = 0;
    ssize_t length;
    FILE *file;
    int result = 0;

    snprintf(path, sizeof path, "/proc/net/%s", table);
    file = fopen(path, "r");
    if (file == NULL)
        return errno == ENOENT ? 0 : -1;        /* no such protocol here */
    while (result == 0 && (length = getline(&row, &room, file)) > 0) {
        if (row[length - 1] == '\n')
            row[length - 1] = '\0';
        result = read_row(row, table, found);
    }
    free(row);
    fclose(file);
    return result;
}

/* Whether a process has ended, if it is still to be waited for. */
static int is_zombie(int pid)
{
    char path[PATH], stat[512];
    const char *end;
    size_t n;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    file = fopen(path, "r");
    if (file == NULL)
        return errno == ENOENT; /* that has happened meanwhile */
    n = fread(stat, 1, sizeof stat - 1, file);
    fclose(file);
    stat[n] = '\0';
    end = strrchr(stat, ')');
    return end != NULL && end[1] == ' ' && end[2] == 'X';
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Write the lines to text.  Returns their length. */
static int write_lines(struct found *found, char *text, size_t size)
{
    size_t used = 0;

    if (found->line_count > 1)
        qsort(found->lines, found->line_count, sizeof *found->lines, compare);
    if (size == 0)
        return fail(EMSGSIZE);
    text[0] = '\0';
    for (size_t i = 0; i < found->line_count; i++) {
        size_t length = strlen(found->lines[i]) + 1;

        if (length >= size - used)
            break;
        snprintf(text + used, size - used, "%s\n", found->lines[i]);
        used += length;
    }
    return (int)used;
}

static int find(int pid, struct found *found)
{
    static const char *const tables[] = { "tcp", "udp" };

    if (find_inodes(pid, found) == -1) {
        int error = errno;

        if (error == EACCES && is_zombie(pid))
            return 0;           /* it has nothing open, and is nobody's */
        return fail(error);
    }
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (read_table(pid, tables[i], found, read_internet) == -1)
            return -1;
    return read_table(pid, "unix", found, read_unix);
}

int sockets_of(int pid, char *text, size_t size)
{
    struct found found = { NULL, NULL, 0, 0 };
    int result, error;

    if (text == NULL && size > 0)
        return fail(EINVAL);
    result = find(pid, &found);
    if (result == 0)
        result = write_lines(&found, text, size);
    error = errno;
    for (size_t i = 0; i < found.line_count; i++)
        free(found.lines[i]);
    free(found.lines);
    free(found.inodes);
    errno = error;
    return result;
}
