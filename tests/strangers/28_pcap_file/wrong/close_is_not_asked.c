/*
 * expect: fail
 * gap: lost-write
 * cause: What fclose() says is not looked at: fflush() has put everything out, but an error may be known only when the file is closed.
 * shows: close() fails.
 */
#include "pcap_file.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static uint64_t n(const unsigned char *p, int w, int big)
{
    uint64_t v = 0;

    for (int i = 0; i < w; i++)
        v = v << 8 | p[big ? i : w - 1 - i];
    return v;
}

static int bad(int e)
{
    errno = e;
    return -1;
}

static ssize_t scan(FILE *f, unsigned char *out, size_t size)
{
    unsigned char h[24];
    size_t used = 0, got;

    if (fread(h, 1, 24, f) != 24)
        return ferror(f) ? -1 : bad(EINVAL);
    int big = h[0] == 0xa1;
    uint64_t magic = n(h, 4, big);
    if ((magic != 0xa1b2c3d4 && magic != 0xa1b23c4d) || n(h + 4, 2, big) != 2 || n(h + 20, 4, big) != 1)
        return bad(EINVAL);
    while ((got = fread(h, 1, 16, f)) == 16) {
        size_t length = n(h + 8, 4, big);
        uint64_t t = n(h, 4, big) * 1000000000 + n(h + 4, 4, big) * (magic == 0xa1b2c3d4 ? 1000 : 1);

        if (length > 262144)
            return bad(EINVAL);
        if (size - used < 12 + length)
            return bad(EMSGSIZE);
        for (int i = 7; i >= 0; i--, t >>= 8)
            out[used + (size_t)i] = (unsigned char)t;
        for (int i = 0; i < 4; i++)
            out[used + 8 + (size_t)i] = (unsigned char)(length >> (24 - 8 * i));
        if (fread(out + used + 12, 1, length, f) != length)
            return ferror(f) ? -1 : bad(EINVAL);
        used += 12 + length;
    }
    if (ferror(f))
        return -1;
    return got ? bad(EINVAL) : (ssize_t)used;
}

ssize_t read_pcap(const char *path, unsigned char *frames, size_t size)
{
    if (!frames && size)
        return bad(EINVAL);
    FILE *f = fopen(path, "rb");
    if (!f)
        return -1;
    ssize_t result = scan(f, frames, size);
    int e = errno;
    fclose(f);
    errno = e;
    return result;
}

static int check(const unsigned char *p, size_t len)
{
    if (!p && len)
        return bad(EINVAL);
    for (size_t at = 0; at < len;) {
        if (len - at < 12)
            return bad(EINVAL);
        size_t length = n(p + at + 8, 4, 1);
        if (length > 262144 || len - at - 12 < length)
            return bad(EINVAL);
        uint64_t t = n(p + at, 8, 1);
        if (t / 1000000000 > 0xffffffff)
            return bad(EINVAL);
        at += 12 + length;
    }
    return 0;
}

static int put(FILE *f, const unsigned char *p, size_t len)
{
    const uint32_t h[6] = { 0xa1b2c3d4, 4 << 16 | 2, 0, 0, 262144, 1 };

    if (fwrite(h, 4, 6, f) != 6)
        return -1;
    for (size_t at = 0; at < len;) {
        uint64_t t = n(p + at, 8, 1);
        uint32_t length = (uint32_t)n(p + at + 8, 4, 1);
        uint32_t r[4] = { (uint32_t)(t / 1000000000), (uint32_t)(t % 1000000000 / 1000), length, length };

        if (fwrite(r, 4, 4, f) != 4 || fwrite(p + at + 12, 1, length, f) != length)
            return -1;
        at += 12 + length;
    }
    return fflush(f);
}

int write_pcap(const char *path, const unsigned char *frames, size_t len)
{
    if (check(frames, len) == -1)
        return -1;
    int old = access(path, F_OK) == 0;
    FILE *f = fopen(path, "wb");
    if (!f)
        return -1;
    int e = put(f, frames, len) ? errno : 0;
    fclose(f);
    if (e && !old)
        unlink(path);
    return e ? bad(e) : 0;
}
