/*
 * expect: pass
 * gap: none
 * cause: none, it is right: pread() at each place of the file, and writev() of heads and frames together.
 * shows: never
 */
#define _GNU_SOURCE
#include "pcap_file.h"
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct place { int fd; off_t at; };

/* 1: all of it; 0: the file ends here; -1: errno */
static int take(struct place *p, void *to, size_t n)
{
    size_t got = 0;
    while (got < n) {
        ssize_t k = pread(p->fd, (char *)to + got, n - got, p->at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        if (k == 0) {
            if (got == 0)
                return 0;
            errno = EINVAL;
            return -1;
        }
        got += (size_t)k;
        p->at += k;
    }
    return 1;
}

static ssize_t finish(int fd, ssize_t result, int error)
{
    close(fd);
    errno = error;
    return result;
}

ssize_t read_pcap(const char *path, unsigned char *frames, size_t size)
{
    if (!frames && size)
        return errno = EINVAL, -1;
    struct place p = { open(path, O_RDONLY | O_CLOEXEC), 0 };
    if (p.fd < 0)
        return -1;
    struct { uint32_t magic; uint16_t major, minor; uint32_t zone, digits, most, link; } h;
    int r = take(&p, &h, sizeof h);
    if (r != 1)
        return finish(p.fd, -1, r == 0 ? EINVAL : errno);
    uint32_t (*from)(uint32_t);
    uint32_t big(uint32_t x);
    uint32_t little(uint32_t x);
    if (be32toh(h.magic) == 0xa1b2c3d4 || be32toh(h.magic) == 0xa1b23c4d)
        from = big;
    else
        from = little;
    uint64_t tick = from(h.magic) == 0xa1b2c3d4 ? 1000 : 1;
    uint16_t major = from == big ? be16toh(h.major) : le16toh(h.major);
    if ((from(h.magic) != 0xa1b2c3d4 && from(h.magic) != 0xa1b23c4d) || major != 2 || from(h.link) != 1)
        return finish(p.fd, -1, EINVAL);
    size_t used = 0;
    for (;;) {
        uint32_t w[4];
        r = take(&p, w, sizeof w);
        if (r == 0)
            return finish(p.fd, (ssize_t)used, errno);
        if (r < 0)
            return finish(p.fd, -1, errno);
        uint32_t n = from(w[2]);
        if (n > 1 << 18)
            return finish(p.fd, -1, EINVAL);
        if (size - used < (size_t)n + 12)
            return finish(p.fd, -1, EMSGSIZE);
        uint64_t t = htobe64(from(w[0]) * UINT64_C(1000000000) + from(w[1]) * tick);
        uint32_t m = htobe32(n);
        memcpy(frames + used, &t, 8);
        memcpy(frames + used + 8, &m, 4);
        r = n ? take(&p, frames + used + 12, n) : 1;
        if (r != 1)
            return finish(p.fd, -1, r == 0 ? EINVAL : errno);
        used += 12 + n;
    }
}

uint32_t big(uint32_t x) { return be32toh(x); }
uint32_t little(uint32_t x) { return le32toh(x); }

static int give(int fd, struct iovec *v, int count)
{
    while (count > 0) {
        ssize_t k = writev(fd, v, count);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        while (count > 0 && (size_t)k >= v->iov_len) {
            k -= (ssize_t)v->iov_len;
            v++;
            count--;
        }
        if (count > 0) {
            v->iov_base = (char *)v->iov_base + k;
            v->iov_len -= (size_t)k;
        }
    }
    return 0;
}

int write_pcap(const char *path, const unsigned char *frames, size_t len)
{
    if (!frames && len)
        return errno = EINVAL, -1;
    for (size_t at = 0; at != len;) {
        uint64_t t;
        uint32_t n;
        if (len - at < 12)
            return errno = EINVAL, -1;
        memcpy(&t, frames + at, 8);
        memcpy(&n, frames + at + 8, 4);
        n = be32toh(n);
        if (n > 1 << 18 || len - at - 12 < n || be64toh(t) / 1000000000 > UINT32_MAX)
            return errno = EINVAL, -1;
        at += 12 + n;
    }
    int made = 1;
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST) {
        made = 0;
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    }
    if (fd < 0)
        return -1;
    uint32_t h[6] = { htobe32(0xa1b2c3d4), htobe32(2 << 16 | 4), 0, 0, htobe32(1 << 18), htobe32(1) };
    struct iovec v[2] = { { h, sizeof h }, { NULL, 0 } };
    int failed = give(fd, v, 1);
    for (size_t at = 0; !failed && at != len;) {
        uint64_t t;
        uint32_t n;
        memcpy(&t, frames + at, 8);
        memcpy(&n, frames + at + 8, 4);
        t = be64toh(t);
        uint32_t w[4] = { htobe32((uint32_t)(t / 1000000000)), htobe32((uint32_t)(t % 1000000000 / 1000)), n, n };
        v[0] = (struct iovec){ w, sizeof w };
        v[1] = (struct iovec){ (void *)(frames + at + 12), be32toh(n) };
        failed = give(fd, v, 2);
        at += 12 + be32toh(n);
    }
    int error = errno;
    if (close(fd) < 0 && errno != EINTR && !failed) {
        failed = -1;
        error = errno;
    }
    if (failed && made)
        unlink(path);
    if (failed)
        errno = error;
    return failed;
}
