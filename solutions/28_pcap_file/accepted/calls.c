/* The calls themselves: every count is looked at, and a new file is known by O_EXCL. */

#include "pcap_file.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 262144u

/* Returns how much came before the end of the file, or -1. */
static ssize_t get(int fd, void *to, size_t want)
{
    size_t have = 0;

    while (have < want) {
        ssize_t n = read(fd, (char *)to + have, want - have);

        if (n == 0)
            break;
        if (n > 0)
            have += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)have;
}

static int put(int fd, const void *from, size_t left)
{
    const char *next = from;

    while (left > 0) {
        ssize_t n = write(fd, next, left);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        next += n;
        left -= (size_t)n;
    }
    return 0;
}

/* -1, and why: a call that has failed, or a file that is not right. */
static int why(ssize_t n)
{
    if (n != -1)
        errno = EINVAL;
    return -1;
}

static ssize_t take(int fd, unsigned char *out, size_t size)
{
    uint32_t h[6], r[4];
    uint16_t major;
    int other = 0;
    uint64_t scale;
    size_t used = 0;
    ssize_t n = get(fd, h, sizeof h);

    if (n != sizeof h)
        return why(n);
    if (h[0] == __builtin_bswap32(0xa1b2c3d4u) || h[0] == __builtin_bswap32(0xa1b23c4du))
        other = 1;
    memcpy(&major, &h[1], sizeof major);
    if (other) {
        h[0] = __builtin_bswap32(h[0]);
        h[5] = __builtin_bswap32(h[5]);
        major = __builtin_bswap16(major);
    }
    switch (h[0]) {
    case 0xa1b2c3d4u:
        scale = 1000;
        break;
    case 0xa1b23c4du:
        scale = 1;
        break;
    default:
        return why(0);
    }
    if (major != 2 || h[5] != 1)
        return why(0);
    while ((n = get(fd, r, sizeof r)) == sizeof r) {
        uint64_t time;
        uint32_t length;

        for (int i = 0; other && i < 4; i++)
            r[i] = __builtin_bswap32(r[i]);
        if (r[2] > MOST)
            return why(0);
        if (size - used < 12 + (size_t)r[2]) {
            errno = EMSGSIZE;
            return -1;
        }
        time = htobe64(r[0] * UINT64_C(1000000000) + r[1] * scale);
        length = htonl(r[2]);
        memcpy(out + used, &time, 8);
        memcpy(out + used + 8, &length, 4);
        n = get(fd, out + used + 12, r[2]);
        if (n != (ssize_t)r[2])
            return why(n);
        used += 12 + (size_t)r[2];
    }
    return n == 0 ? (ssize_t)used : why(n);
}

ssize_t read_pcap(const char *path, unsigned char *frames, size_t size)
{
    int fd, saved;
    ssize_t result;

    if (!frames && size)
        return why(0);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return -1;
    result = take(fd, frames, size);
    saved = errno;
    close(fd);
    errno = saved;
    return result;
}

static int frame_at(const unsigned char *p, size_t left, uint32_t record[4])
{
    uint64_t time;
    uint32_t length;

    if (left < 12)
        return why(0);
    memcpy(&time, p, 8);
    memcpy(&length, p + 8, 4);
    time = be64toh(time);
    length = ntohl(length);
    if (length > MOST || length > left - 12 || time / 1000000000 > 0xffffffffu)
        return why(0);
    record[0] = (uint32_t)(time / 1000000000);
    record[1] = (uint32_t)(time / 1000 % 1000000);
    record[2] = record[3] = length;
    return 0;
}

int write_pcap(const char *path, const unsigned char *frames, size_t len)
{
    uint32_t header[6] = { 0xa1b2c3d4u, 0, 0, 0, MOST, 1 }, record[4];
    const uint16_t version[2] = { 2, 4 };
    int fd, made = 1, failed, saved;

    if (!frames && len)
        return why(0);
    for (size_t at = 0; at < len; at += 12 + (size_t)record[2])
        if (frame_at(frames + at, len - at, record) == -1)
            return -1;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd == -1 && errno == EEXIST) {
        made = 0;
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    }
    if (fd == -1)
        return -1;
    memcpy(&header[1], version, sizeof version);
    failed = put(fd, header, sizeof header);
    for (size_t at = 0; failed == 0 && at < len; at += 12 + (size_t)record[2]) {
        frame_at(frames + at, len - at, record);
        failed = put(fd, record, sizeof record);
        if (failed == 0)
            failed = put(fd, frames + at + 12, record[2]);
    }
    saved = errno;
    if (close(fd) == -1 && errno != EINTR && failed == 0) {
        failed = -1;
        saved = errno;
    }
    if (failed != 0 && made)
        unlink(path);
    errno = saved;
    return failed;
}
