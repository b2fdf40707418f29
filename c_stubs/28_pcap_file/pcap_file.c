/* Frames with their times in a pcap file, as every sniffer writes it. */

#include "pcap_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

enum {
    LIMIT = 262144,             /* bytes of a frame */
    ETHERNET = 1,               /* the link type */
    HEADER = 24,                /* bytes of a file's header */
    RECORD = 16,                /* bytes before each frame there */
    HEAD = 12                   /* bytes before each frame in memory */
};

static const uint32_t microseconds = 0xa1b2c3d4, nanoseconds = 0xa1b23c4d;
static const uint64_t second = 1000000000;

/* Set errno.  Returns -1. */
static int fail(int error)
{
    errno = error;
    return -1;
}

/* The number of count bytes at p, the most significant one first or last. */
static uint64_t number(const unsigned char *p, int count, int is_big)
{
    uint64_t n = 0;

    for (int i = 0; i < count; i++)
        n = n << 8 | p[is_big ? i : count - 1 - i];
    return n;
}

static void store(unsigned char *p, int count, uint64_t n)
{
    while (count-- > 0) {
        p[count] = (unsigned char)n;
        n >>= 8;
    }
}

/* Read length bytes.  Returns 1, 0 if the file has ended before the first of
   them, or -1 with errno set: EINVAL if it ends before the last one. */
static int read_all(FILE *file, void *data, size_t length)
{
    size_t n = fread(data, 1, length, file);

    if (n == length)
        return 1;
    return 0;
}

static ssize_t read_frames(FILE *file, unsigned char *frames, size_t size)
{
    unsigned char header[HEADER], record[RECORD];
    uint64_t unit;
    size_t used = 0;
    int is_big, more = read_all(file, header, sizeof header);

    if (more <= 0)
        return more == 0 ? fail(EINVAL) : -1;
    is_big = 0;
    if (number(header, 4, is_big) == microseconds)
        unit = 1000;
    else if (number(header, 4, is_big) == nanoseconds)
        unit = 1000;
    else
        return fail(EINVAL);
    if (number(header + 4, 2, is_big) != 2)
        return fail(EINVAL);
    while ((more = read_all(file, record, sizeof record)) == 1) {
        uint64_t time = number(record, 4, is_big) * second +
                        number(record + 4, 4, is_big) * unit;
        size_t length = number(record + 12, 4, is_big);

        if (size - used < HEAD || size - used - HEAD < length)
            return (ssize_t)used;
        store(frames + used, 8, time);
        store(frames + used + 8, 4, length);
        more = read_all(file, frames + used + HEAD, length);
        if (more <= 0)
            break;
        used += HEAD + length;
    }
    return more == 0 ? (ssize_t)used : -1;
}

ssize_t read_pcap(const char *path, unsigned char *frames, size_t size)
{
    FILE *file;
    ssize_t result;
    int error;

    if (frames == NULL && size > 0)
        return fail(EINVAL);
    file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    result = read_frames(file, frames, size);
    error = errno;
    fclose(file);
    errno = error;
    return result;
}

/* Whether frames are packed as they should be, and fit into a file. */
static int check(const unsigned char *frames, size_t len)
{
    if (frames == NULL && len > 0)
        return fail(EINVAL);
    while (len > 0) {
        size_t length;

        if (len < HEAD)
            return fail(EINVAL);
        length = number(frames + 8, 4, 1);
        if (length > len - HEAD)
            return fail(EINVAL);
        frames += HEAD + length;
        len -= HEAD + length;
    }
    return 0;
}

static int write_frames(FILE *file, const unsigned char *frames, size_t len)
{
    const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, accuracy, limit, link_type;
    } header = { microseconds, 2, 4, 0, 0, LIMIT, ETHERNET };

    if (fwrite(&header, sizeof header, 1, file) != 1)
        return -1;
    while (len > 0) {
        uint64_t time = number(frames, 8, 1);
        size_t length = number(frames + 8, 4, 1);
        uint32_t record[4] = {
            (uint32_t)(time / second), (uint32_t)((time % second + 500) / 1000),
            (uint32_t)length, (uint32_t)length
        };

        if (fwrite(record, sizeof record, 1, file) != 1 ||
            fwrite(frames + HEAD, 1, length, file) != length)
            return -1;
        frames += HEAD + length;
        len -= HEAD + length;
    }
    return 0;
}

int write_pcap(const char *path, const unsigned char *frames, size_t len)
{
    FILE *file;
    int is_new, error = 0;

    file = fopen(path, "wbx");  /* fails if there is a file */
    is_new = file != NULL;
    if (file == NULL && errno == EEXIST)
        file = fopen(path, "wb");
    if (file == NULL)
        return -1;
    if (check(frames, len) == -1 || write_frames(file, frames, len) != 0)
        error = errno;
    fclose(file);
    if (error == 0)
        return 0;
    return fail(error);
}
