/* Packets of one port, off an interface and into a pcap file. */

#include "capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    LIMIT = 262144,             /* bytes of a frame */
    LINK_TYPE = 1,              /* Ethernet */
    LINK_HEADER = 14            /* bytes before a packet */
};

static unsigned int number(const unsigned char *p)
{
    return (unsigned int)p[0] << 8 | p[1];
}

static int is_of_port(const unsigned char *p, size_t len, unsigned int port)
{
    return len >= 4 && (number(p) == port || number(p + 2) == port);
}

/* Whether a packet is TCP or UDP of that port, and begins with the ports. */
static int matches_ipv4(const unsigned char *p, size_t len, unsigned int port)
{
    size_t size, total;

    if (len < 20 || p[0] >> 4 != 4)
        return 0;
    size = (p[0] & 0x0f) * 4u;
    total = number(p + 2);
    if (size < 20 || total < size || number(p + 6) & 0x1fff)
        return 0;
    if (p[9] != IPPROTO_TCP && p[9] != IPPROTO_UDP)
        return 0;
    return is_of_port(p + size, (total < len ? total : len) - size, port);
}

static int is_extension(int header)
{
    return header == IPPROTO_HOPOPTS || header == IPPROTO_ROUTING ||
           header == IPPROTO_FRAGMENT || header == IPPROTO_DSTOPTS;
}

/* The same, behind extension headers too. */
static int matches_ipv6(const unsigned char *p, size_t len, unsigned int port)
{
    size_t left;
    int header;

    if (len < 40 || p[0] >> 4 != 6)
        return 0;
    left = number(p + 4);
    if (left > len - 40)
        left = len - 40;
    header = p[6];
    p += 40;
    while (is_extension(header) && left >= 8) {
        size_t size = header == IPPROTO_FRAGMENT ? 8 : 8 + p[1] * 8u;

        if (size > left || (header == IPPROTO_FRAGMENT && number(p + 2) >> 3))
            return 0;
        header = p[0];
        p += size;
        left -= size;
    }
    if (header != IPPROTO_TCP && header != IPPROTO_UDP)
        return 0;
    return is_of_port(p, left, port);
}

static int matches(const unsigned char *frame, size_t len, unsigned int port)
{
    if (len < LINK_HEADER)
        return 0;
    switch (number(frame + 12)) {
    case ETHERTYPE_IP:
        return matches_ipv4(frame + LINK_HEADER, len - LINK_HEADER, port);
    case ETHERTYPE_IPV6:
        return matches_ipv6(frame + LINK_HEADER, len - LINK_HEADER, port);
    default:
        return 0;
    }
}

static int write_frame(FILE *file, const unsigned char *frame, size_t len)
{
    struct timespec now;
    uint32_t record[4] = { 0, 0, (uint32_t)len, (uint32_t)len };

    clock_gettime(CLOCK_REALTIME, &now);
    record[0] = (uint32_t)now.tv_sec;
    record[1] = (uint32_t)(now.tv_nsec / 1000);
    return fwrite(record, sizeof record, 1, file) == 1 &&
           fwrite(frame, 1, len, file) == len ? 0 : -1;
}

static int write_packets(FILE *file, int fd, unsigned int port, int count)
{
    static const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, accuracy, limit, link_type;
    } header = { 0xa1b2c3d4, 2, 4, 0, 0, LIMIT, LINK_TYPE };
    unsigned char frame[LIMIT];

    if (fwrite(&header, sizeof header, 1, file) != 1)
        return -1;
    while (count > 0) {
        struct sockaddr_ll from;
        socklen_t size = sizeof from;
        ssize_t n = recvfrom(fd, frame, sizeof frame, 0,
                             (struct sockaddr *)&from, &size);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        if (from.sll_pkttype == PACKET_OUTGOING &&
            from.sll_hatype == ARPHRD_LOOPBACK)
            continue;
        if (!matches(frame, (size_t)n, port))
            continue;
        if (write_frame(file, frame, (size_t)n) == -1)
            return -1;
        count--;
    }
    return 0;
}

/* Open a socket for all that passes the interface from now on. */
static int open_socket(const char *interface)
{
    unsigned int index = if_nametoindex(interface);
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_ALL),
        .sll_ifindex = (int)index
    };
    int fd, error;

    if (index == 0)
        return -1;
    /* without a protocol it hears nothing until bind() says what, and where */
    fd = socket(AF_PACKET, SOCK_RAW, 0);
    if (fd == -1)
        return -1;
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Write the packets to a file, which stays only if it is whole, or was there before. */
static int write_file(const char *path, int fd, unsigned int port, int count)
{
    int is_new, error = 0;
    FILE *file = fopen(path, "wbx");    /* fails if there is a file */

    is_new = file != NULL;
    if (file == NULL && errno == EEXIST)
        file = fopen(path, "wb");
    if (file == NULL)
        return -1;
    if (write_packets(file, fd, port, count) == -1)
        error = errno;
    if (fclose(file) != 0 && error == 0)
        error = errno;
    if (error == 0)
        return 0;
    if (is_new)
        unlink(path);
    errno = error;
    return -1;
}

int capture(const char *interface, int port, int count, const char *path)
{
    int fd, result, error;

    if (port < 0 || port > 65535 || count < 0) {
        errno = EINVAL;
        return -1;
    }
    fd = open_socket(interface);
    if (fd == -1)
        return -1;
    result = write_file(path, fd, (unsigned int)port, count);
    error = errno;
    close(fd);
    errno = error;
    return result;
}
