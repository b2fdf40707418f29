/* Written beside its place with stdio, and moved there when it is whole. */

#include "pcap_file.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef uint32_t (*reader)(const unsigned char *);

static uint32_t big(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t little(const unsigned char *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void store(unsigned char *p, uint32_t n)
{
    p[0] = (unsigned char)(n >> 24);
    p[1] = (unsigned char)(n >> 16);
    p[2] = (unsigned char)(n >> 8);
    p[3] = (unsigned char)n;
}

static int scan(FILE *in, unsigned char *to, size_t room, size_t *used)
{
    unsigned char head[24];
    reader get;
    uint64_t scale;
    size_t n = fread(head, 1, sizeof head, in);

    if (n < sizeof head)
        return ferror(in) ? errno : EINVAL;
    get = head[0] == 0xa1 ? big : little;
    if (get(head) == 0xa1b2c3d4)
        scale = 1000;
    else if (get(head) == 0xa1b23c4d)
        scale = 1;
    else
        return EINVAL;
    if ((get == big ? head[4] << 8 | head[5] : head[5] << 8 | head[4]) != 2 || get(head + 20) != 1)
        return EINVAL;
    for (;;) {
        uint32_t length;
        uint64_t time;

        n = fread(head, 1, 16, in);
        if (n == 0 && !ferror(in))
            return 0;
        if (n < 16)
            return ferror(in) ? errno : EINVAL;
        length = get(head + 8);
        if (length > 262144)
            return EINVAL;
        if (room - *used < 12 + (size_t)length)
            return EMSGSIZE;
        time = get(head) * UINT64_C(1000000000) + get(head + 4) * scale;
        store(to + *used, (uint32_t)(time >> 32));
        store(to + *used + 4, (uint32_t)time);
        store(to + *used + 8, length);
        if (fread(to + *used + 12, 1, length, in) != length)
            return ferror(in) ? errno : EINVAL;
        *used += 12 + (size_t)length;
    }
}

ssize_t read_pcap(const char *path, unsigned char *frames, size_t size)
{
    size_t used = 0;
    FILE *in;
    int error;

    if (!frames && size) {
        errno = EINVAL;
        return -1;
    }
    in = fopen(path, "r");
    if (!in)
        return -1;
    error = scan(in, frames, size, &used);
    fclose(in);
    if (error) {
        errno = error;
        return -1;
    }
    return (ssize_t)used;
}

/* Walk through frames, and write them where there is a stream. */
static int each(const unsigned char *frames, size_t len, FILE *out)
{
    unsigned char record[24] = { 0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4 };

    if (!frames && len)
        return EINVAL;
    store(record + 16, 262144);
    store(record + 20, 1);
    if (out && fwrite(record, 1, 24, out) != 24)
        return errno;
    for (size_t at = 0; at < len;) {
        uint64_t time;
        uint32_t length;

        if (len - at < 12)
            return EINVAL;
        time = (uint64_t)big(frames + at) << 32 | big(frames + at + 4);
        length = big(frames + at + 8);
        if (length > 262144 || len - at - 12 < length || time / 1000000000 >> 32)
            return EINVAL;
        store(record, (uint32_t)(time / 1000000000));
        store(record + 4, (uint32_t)(time % 1000000000) / 1000);
        store(record + 8, length);
        store(record + 12, length);
        if (out && (fwrite(record, 1, 16, out) != 16 || fwrite(frames + at + 12, 1, length, out) != length))
            return errno;
        at += 12 + (size_t)length;
    }
    return 0;
}

int write_pcap(const char *path, const unsigned char *frames, size_t len)
{
    char *beside = NULL;
    FILE *out = NULL;
    int error = each(frames, len, NULL), fd = -1, moved = 0;

    if (error)
        goto done;
    beside = malloc(strlen(path) + 8);
    if (!beside)
        return -1;
    sprintf(beside, "%s.XXXXXX", path);
    fd = mkstemp(beside);
    if (fd == -1) {
        error = errno;
        goto done;
    }
    fchmod(fd, 0644);
    out = fdopen(fd, "w");
    if (!out) {
        error = errno;
        close(fd);
        goto done;
    }
    error = each(frames, len, out);
    if (!error && fflush(out))
        error = errno;
    if (fclose(out) && errno != EINTR && !error)
        error = errno;
    if (!error && rename(beside, path))
        error = errno;
    else if (!error)
        moved = 1;
done:
    if (fd != -1 && !moved)
        unlink(beside);
    free(beside);
    errno = error;
    return error ? -1 : 0;
}
