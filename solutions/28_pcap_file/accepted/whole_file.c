/* The whole file in memory: mapped to be read, built up to be written at once. */

#include "pcap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CAPTURED = 262144 };

struct form {
    bool swapped, is_nano;
};

static uint32_t word(const unsigned char *p, bool swapped)
{
    uint32_t w;

    memcpy(&w, p, sizeof w);
    return swapped ? __builtin_bswap32(w) : w;
}

static uint16_t half(const unsigned char *p, bool swapped)
{
    uint16_t h;

    memcpy(&h, p, sizeof h);
    return swapped ? __builtin_bswap16(h) : h;
}

static bool recognise(const unsigned char *p, size_t size, struct form *form)
{
    if (size < 24)
        return false;
    for (int i = 0; i < 4; i++) {
        form->swapped = i & 1;
        form->is_nano = i & 2;
        if (word(p, form->swapped) == (form->is_nano ? 0xa1b23c4d : 0xa1b2c3d4))
            return half(p + 4, form->swapped) == 2 && word(p + 20, form->swapped) == 1;
    }
    return false;
}

static ssize_t unpack(const unsigned char *p, size_t size, unsigned char *out, size_t room)
{
    struct form form;
    size_t at = 24, used = 0;

    if (!recognise(p, size, &form)) {
        errno = EINVAL;
        return -1;
    }
    while (at < size) {
        uint32_t length;
        uint64_t time;

        if (size - at < 16 || (length = word(p + at + 8, form.swapped)) > CAPTURED ||
            length > size - at - 16) {
            errno = EINVAL;
            return -1;
        }
        if (room - used < 12u + length) {
            errno = EMSGSIZE;
            return -1;
        }
        time = word(p + at, form.swapped) * 1000000000ull +
               word(p + at + 4, form.swapped) * (form.is_nano ? 1ull : 1000ull);
        for (int i = 0; i < 8; i++)
            out[used + i] = (unsigned char)(time >> (56 - 8 * i));
        for (int i = 0; i < 4; i++)
            out[used + 8 + i] = (unsigned char)(length >> (24 - 8 * i));
        memcpy(out + used + 12, p + at + 16, length);
        used += 12u + length;
        at += 16u + length;
    }
    return (ssize_t)used;
}

ssize_t read_pcap(const char *path, unsigned char *frames, size_t size)
{
    struct stat s;
    unsigned char *map = NULL;
    ssize_t result = -1;
    int fd, error = EINVAL;

    if (frames == NULL && size != 0) {
        errno = EINVAL;
        return -1;
    }
    if ((fd = open(path, O_RDONLY)) == -1)
        return -1;
    if (fstat(fd, &s) == -1)
        error = errno;
    else if (S_ISDIR(s.st_mode))
        error = EISDIR;
    else if (s.st_size > 0) {
        map = mmap(NULL, (size_t)s.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            error = errno;
        } else {
            result = unpack(map, (size_t)s.st_size, frames, size);
            error = errno;
            munmap(map, (size_t)s.st_size);
        }
    }
    close(fd);
    errno = error;
    return result;
}

static void put(unsigned char **p, uint32_t w)
{
    memcpy(*p, &w, sizeof w);
    *p += sizeof w;
}

/* A file with these frames, in memory that the caller frees. */
static unsigned char *build(const unsigned char *frames, size_t len, size_t *size)
{
    const uint16_t version[2] = { 2, 4 };
    size_t at = 0, count = 0;
    unsigned char *memory, *p;

    while (at < len) {
        uint32_t length;
        uint64_t time = 0;

        if (len - at < 12)
            goto bad;
        for (int i = 0; i < 8; i++)
            time = time << 8 | frames[at + i];
        length = (uint32_t)frames[at + 8] << 24 | (uint32_t)frames[at + 9] << 16 |
                 (uint32_t)frames[at + 10] << 8 | frames[at + 11];
        if (length > CAPTURED || length > len - at - 12 || time >= 4294967296ull * 1000000000ull)
            goto bad;
        at += 12u + length;
        count++;
    }
    memory = p = malloc(24 + len + 4 * count);
    if (memory == NULL)
        return NULL;
    put(&p, 0xa1b2c3d4);
    memcpy(p, version, sizeof version);
    p += sizeof version;
    put(&p, 0);
    put(&p, 0);
    put(&p, CAPTURED);
    put(&p, 1);
    for (at = 0; at < len;) {
        uint32_t length = (uint32_t)frames[at + 9] << 16 | (uint32_t)frames[at + 10] << 8 | frames[at + 11];
        uint64_t time = 0;

        for (int i = 0; i < 8; i++)
            time = time << 8 | frames[at + i];
        put(&p, (uint32_t)(time / 1000000000));
        put(&p, (uint32_t)(time % 1000000000 / 1000));
        put(&p, length);
        put(&p, length);
        memcpy(p, frames + at + 12, length);
        p += length;
        at += 12u + length;
    }
    *size = (size_t)(p - memory);
    return memory;
bad:
    errno = EINVAL;
    return NULL;
}

int write_pcap(const char *path, const unsigned char *frames, size_t len)
{
    unsigned char *memory;
    size_t size, done = 0;
    struct stat s;
    bool was_there;
    int fd, error = 0;

    if (frames == NULL && len != 0) {
        errno = EINVAL;
        return -1;
    }
    memory = build(frames, len, &size);
    if (memory == NULL)
        return -1;
    was_there = lstat(path, &s) == 0;
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd == -1) {
        error = errno;
    } else {
        while (done < size && error == 0) {
            ssize_t n = write(fd, memory + done, size - done);

            if (n >= 0)
                done += (size_t)n;
            else if (errno != EINTR)
                error = errno;
        }
        if (close(fd) == -1 && errno != EINTR && error == 0)
            error = errno;
        if (error != 0 && !was_there)
            unlink(path);
    }
    free(memory);
    errno = error;
    return error ? -1 : 0;
}
