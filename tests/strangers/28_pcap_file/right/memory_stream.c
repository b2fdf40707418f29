/*
 * expect: pass
 * gap: none
 * cause: none, it is right: a stream in memory checks and builds the file, and one write loop puts it out; the size of a file to be read is asked by fseek().
 * shows: never
 */
#define _GNU_SOURCE
#include "pcap_file.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t at32(const unsigned char *p, int turn)
{
    uint32_t v;
    memcpy(&v, p, 4);
    v = ntohl(v);
    return turn ? __builtin_bswap32(v) : v;
}

static int load(const char *path, unsigned char **data, size_t *size)
{
    FILE *f = fopen(path, "r");
    long end;
    int error = 0;

    *data = NULL;
    *size = 0;
    if (!f)
        return errno;
    if (fseek(f, 0, SEEK_END) || (end = ftell(f)) < 0) {
        error = errno;
        fclose(f);
        return error;
    }
    rewind(f);
    if (end > 64 << 20)         /* a directory says LONG_MAX */
        end = 1;
    *data = malloc((size_t)end + 1);
    if (!*data)
        error = ENOMEM;
    else if ((*size = fread(*data, 1, (size_t)end, f)) < (size_t)end && ferror(f))
        error = errno;
    fclose(f);
    return error;
}

ssize_t read_pcap(const char *path, unsigned char *frames, size_t size)
{
    unsigned char *data;
    size_t have, at = 24, used = 0;
    int error, turn = 0;
    uint32_t magic = 0;

    if (!frames && size) {
        errno = EINVAL;
        return -1;
    }
    error = load(path, &data, &have);
    if (error)
        goto out;
    error = EINVAL;
    if (have < 24)
        goto out;
    for (turn = 0; turn < 2; turn++) {
        magic = at32(data, turn);
        if (magic == 0xa1b2c3d4 || magic == 0xa1b23c4d)
            break;
    }
    if (turn == 2 || data[turn ? 4 : 5] != 2 || data[turn ? 5 : 4] != 0 || at32(data + 20, turn) != 1)
        goto out;
    while (at < have) {
        uint32_t n;
        uint64_t t;

        if (have - at < 16 || (n = at32(data + at + 8, turn)) > 262144 || have - at - 16 < n)
            goto out;
        if (size - used < 12 + (size_t)n) {
            error = EMSGSIZE;
            goto out;
        }
        t = at32(data + at, turn) * 1000000000ULL + at32(data + at + 4, turn) * (magic == 0xa1b2c3d4 ? 1000ULL : 1ULL);
        for (int i = 7; i >= 0; i--, t >>= 8)
            frames[used + (size_t)i] = (unsigned char)t;
        uint32_t m = htonl(n);
        memcpy(frames + used + 8, &m, 4);
        memcpy(frames + used + 12, data + at + 16, n);
        used += 12 + (size_t)n;
        at += 16 + (size_t)n;
    }
    error = 0;
out:
    free(data);
    errno = error;
    return error ? -1 : (ssize_t)used;
}

static int build(FILE *m, const unsigned char *frames, size_t len)
{
    const uint32_t head[] = { 0xa1b2c3d4, 0, 0, 0, 262144, 1 };
    const uint16_t version[] = { 2, 4 };

    fwrite(head, 4, 1, m);
    fwrite(version, 2, 2, m);
    fwrite(head + 2, 4, 4, m);
    while (len) {
        uint64_t t;
        uint32_t n, record[4];

        if (len < 12)
            return EINVAL;
        t = (uint64_t)at32(frames, 0) << 32 | at32(frames + 4, 0);
        n = at32(frames + 8, 0);
        if (n > 262144 || n > len - 12 || t / 1000000000 >= 1ULL << 32)
            return EINVAL;
        record[0] = (uint32_t)(t / 1000000000);
        record[1] = (uint32_t)(t % 1000000000 / 1000);
        record[2] = record[3] = n;
        fwrite(record, sizeof record, 1, m);
        fwrite(frames + 12, n, 1, m);
        frames += 12 + n;
        len -= 12 + n;
    }
    return 0;
}

int write_pcap(const char *path, const unsigned char *frames, size_t len)
{
    char *text = NULL;
    size_t size = 0, done = 0;
    struct stat s;
    int error, fd, old;
    FILE *m;

    if (!frames && len) {
        errno = EINVAL;
        return -1;
    }
    m = open_memstream(&text, &size);
    if (!m)
        return -1;
    error = build(m, frames, len);
    if (fclose(m) && !error)
        error = errno;
    old = lstat(path, &s) == 0;
    if (!error) {
        fd = creat(path, 0666);
        if (fd < 0)
            error = errno;
        while (!error && done < size) {
            ssize_t n = write(fd, text + done, size - done);

            if (n < 0 && errno != EINTR)
                error = errno;
            if (n > 0)
                done += (size_t)n;
        }
        if (fd >= 0) {
            if (close(fd) < 0 && errno != EINTR && !error)
                error = errno;
            if (error && !old)
                unlink(path);
        }
    }
    free(text);
    errno = error;
    return error ? -1 : 0;
}
