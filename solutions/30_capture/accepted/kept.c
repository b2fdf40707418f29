/* All packets are kept in memory until the last has come; the file, which has been open
   since before the first, gets them in one go. */

#include "capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LARGEST 262144

struct kept {
    unsigned char *bytes;
    size_t used, room;
};

static void store(unsigned char *p, uint32_t n)
{
    n = htonl(n);
    memcpy(p, &n, sizeof n);
}

static bool keep(struct kept *kept, const unsigned char *frame, size_t len)
{
    struct timespec now;
    unsigned char *p;

    if (kept->room - kept->used < 16 + len) {
        size_t room = 2 * kept->room + 16 + len;

        p = realloc(kept->bytes, room);
        if (p == NULL)
            return false;
        kept->bytes = p;
        kept->room = room;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    p = kept->bytes + kept->used;
    store(p, (uint32_t)now.tv_sec);
    store(p + 4, (uint32_t)(now.tv_nsec / 1000));
    store(p + 8, (uint32_t)len);
    store(p + 12, (uint32_t)len);
    memcpy(p + 16, frame, len);
    kept->used += 16 + len;
    return true;
}

/* Where the ports are in a frame of TCP or UDP; NULL in any other. */
static const unsigned char *ports_in(const unsigned char *frame, size_t len)
{
    const unsigned char *ip = frame + 14, *end = frame + len, *p;
    unsigned char protocol;

    if (len >= 34 && frame[12] == 8 && frame[13] == 0 && ip[0] >> 4 == 4) {
        size_t total = (size_t)ip[2] * 256 + ip[3];

        if (total < (size_t)(end - ip))
            end = ip + total;
        p = ip + (ip[0] & 15) * 4;
        protocol = ip[9];
        if (p < ip + 20 || (ip[6] & 31) != 0 || ip[7] != 0)
            return NULL;
    } else if (len >= 54 && frame[12] == 0x86 && frame[13] == 0xdd &&
               ip[0] >> 4 == 6) {
        size_t payload = (size_t)ip[4] * 256 + ip[5];

        p = ip + 40;
        if (payload < (size_t)(end - p))
            end = p + payload;
        protocol = ip[6];
        while (protocol == 0 || protocol == 43 || protocol == 44 ||
               protocol == 60) {
            int size = protocol == 44 ? 8 : p + 8 <= end ? 8 + p[1] * 8 : 8;

            if (end - p < size)
                return NULL;
            if (protocol == 44 && (p[2] != 0 || (p[3] & 0xf8) != 0))
                return NULL;
            protocol = p[0];
            p += size;
        }
    } else {
        return NULL;
    }
    return (protocol == 6 || protocol == 17) && end - p >= 4 ? p : NULL;
}

static bool collect(int fd, unsigned int index, int port, int count,
                    struct kept *kept)
{
    unsigned char *frame = malloc(LARGEST);
    unsigned char wanted[2] = {
        (unsigned char)(port >> 8), (unsigned char)port
    };

    if (frame == NULL)
        return false;
    while (count > 0) {
        struct sockaddr_ll from;
        socklen_t size = sizeof from;
        const unsigned char *ports;
        ssize_t n;

        do
            n = recvfrom(fd, frame, LARGEST, 0, (struct sockaddr *)&from, &size);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            break;
        if (from.sll_ifindex != (int)index ||
            (from.sll_hatype == 772 && from.sll_pkttype == 4))
            continue;
        ports = ports_in(frame, (size_t)n);
        if (ports == NULL || (memcmp(ports, wanted, 2) != 0 &&
                              memcmp(ports + 2, wanted, 2) != 0))
            continue;
        if (!keep(kept, frame, (size_t)n))
            break;
        count--;
    }
    free(frame);
    return count == 0;
}

static bool work(const char *interface, int port, int count, FILE *file)
{
    static const unsigned char header[24] = {
        0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, [17] = 4, [23] = 1
    };
    struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(3) };
    struct kept kept = { NULL, 0, 0 };
    unsigned int index = if_nametoindex(interface);
    int fd = index == 0 ? -1 : socket(PF_PACKET, SOCK_RAW, 0);
    bool is_done = false;
    int error;

    if (fd == -1)
        return false;
    at.sll_ifindex = (int)index;
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0 &&
        collect(fd, index, port, count, &kept))
        is_done = fwrite(header, 1, sizeof header, file) == sizeof header &&
                  fwrite(kept.bytes, 1, kept.used, file) == kept.used &&
                  fflush(file) == 0;
    error = errno;
    free(kept.bytes);
    close(fd);
    errno = error;
    return is_done;
}

int capture(const char *interface, int port, int count, const char *path)
{
    struct stat before;
    bool existed, is_done;
    FILE *file;
    int error;

    if (port < 0 || port >= 65536 || count < 0)
        return errno = EINVAL, -1;
    existed = lstat(path, &before) == 0;
    file = fopen(path, "wb");
    if (file == NULL)
        return -1;
    is_done = work(interface, port, count, file);
    error = errno;
    if (fclose(file) != 0 && is_done) {
        is_done = false;
        error = errno;
    }
    if (is_done)
        return 0;
    if (!existed)
        unlink(path);
    errno = error;
    return -1;
}
