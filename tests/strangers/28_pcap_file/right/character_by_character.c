/*
 * expect: pass
 * gap: none
 * cause: none, it is right: getc() and putc() move every byte, and the stream is asked at the end what became of them.
 * shows: never
 */
#include "pcap_file.h"
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bool get32(FILE *f, bool little, uint32_t *value)
{
    uint32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int c = getc(f);
        if (c == EOF)
            return false;
        v |= (uint32_t)c << (little ? 8 * i : 24 - 8 * i);
    }
    *value = v;
    return true;
}

static void put32(FILE *f, uint32_t v)
{
    putc((int)(v >> 24), f);
    putc((int)(v >> 16 & 255), f);
    putc((int)(v >> 8 & 255), f);
    putc((int)(v & 255), f);
}

ssize_t read_pcap(const char *path, unsigned char *frames, size_t size)
{
    if (frames == NULL && size != 0) {
        errno = EINVAL;
        return -1;
    }
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return -1;
    int error = EINVAL, c;
    uint32_t magic, version, ignored, link, tick;
    bool little = false;
    size_t used = 0;
    errno = 0;
    if (!get32(f, false, &magic))
        goto fail;
    if (magic == 0xd4c3b2a1 || magic == 0x4d3cb2a1) {
        little = true;
        magic = __builtin_bswap32(magic);
    }
    if (magic != 0xa1b2c3d4 && magic != 0xa1b23c4d)
        goto fail;
    tick = magic == 0xa1b2c3d4 ? 1000 : 1;
    if (!get32(f, little, &version) || !get32(f, little, &ignored) || !get32(f, little, &ignored) ||
        !get32(f, little, &ignored) || !get32(f, little, &link))
        goto fail;
    if ((little ? version & 0xffff : version >> 16) != 2 || link != 1)
        goto fail;
    while ((c = getc(f)) != EOF) {
        uint32_t s, part, n, wire;
        ungetc(c, f);
        if (!get32(f, little, &s) || !get32(f, little, &part) || !get32(f, little, &n) ||
            !get32(f, little, &wire) || n > 262144)
            goto fail;
        if (size - used < 12 || size - used - 12 < n) {
            error = EMSGSIZE;
            goto fail;
        }
        uint64_t t = s * 1000000000ull + (uint64_t)part * tick;
        for (int shift = 56; shift >= 0; shift -= 8)
            frames[used++] = (unsigned char)(t >> shift);
        for (int shift = 24; shift >= 0; shift -= 8)
            frames[used++] = (unsigned char)(n >> shift);
        while (n-- > 0) {
            if ((c = getc(f)) == EOF)
                goto fail;
            frames[used++] = (unsigned char)c;
        }
    }
    if (ferror(f))
        goto fail;
    fclose(f);
    return (ssize_t)used;
fail:
    if (ferror(f) && errno)
        error = errno;
    fclose(f);
    errno = error;
    return -1;
}

int write_pcap(const char *path, const unsigned char *frames, size_t len)
{
    if (frames == NULL && len > 0)
        goto bad;
    for (size_t i = 0; i < len;) {
        uint64_t t = 0;
        uint32_t n = 0;
        if (len - i < 12)
            goto bad;
        for (int k = 0; k < 8; k++)
            t = t * 256 + frames[i++];
        for (int k = 0; k < 4; k++)
            n = n * 256 + frames[i++];
        if (n > 262144 || n > len - i || t > 4294967295999999999u)
            goto bad;
        i += n;
    }
    int was_there = access(path, F_OK) == 0;
    FILE *f = fopen(path, "wb");
    if (f == NULL)
        return -1;
    put32(f, 0xa1b2c3d4);
    put32(f, 2 << 16 | 4);
    put32(f, 0);
    put32(f, 0);
    put32(f, 262144);
    put32(f, 1);
    for (size_t i = 0; i < len;) {
        uint64_t t = 0;
        uint32_t n = 0;
        for (int k = 0; k < 8; k++)
            t = t * 256 + frames[i++];
        for (int k = 0; k < 4; k++)
            n = n * 256 + frames[i++];
        put32(f, (uint32_t)(t / 1000000000));
        put32(f, (uint32_t)(t / 1000 % 1000000));
        put32(f, n);
        put32(f, n);
        while (n-- > 0)
            if (putc(frames[i++], f) == EOF)
                goto write_failed;
    }
    if (fflush(f) == EOF || ferror(f))
        goto write_failed;
    if (fclose(f) == EOF && errno != EINTR) {
        int e = errno;
        if (!was_there)
            unlink(path);
        errno = e;
        return -1;
    }
    return 0;
write_failed:;
    int e = errno;
    fclose(f);
    if (!was_there)
        unlink(path);
    errno = e;
    return -1;
bad:
    errno = EINVAL;
    return -1;
}
