/* poll() and recvmsg(); write() says how much it has taken. */

#include "capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
#include <net/if.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

struct cursor {
    const unsigned char *at;
    size_t left;
};

static int take(struct cursor *c, size_t n)
{
    if (n > c->left)
        return 0;
    c->at += n;
    c->left -= n;
    return 1;
}

static uint16_t get16(const unsigned char *p)
{
    uint16_t n;

    memcpy(&n, p, sizeof n);
    return ntohs(n);
}

/* Leave the cursor at TCP or UDP; returns 0 if there is neither. */
static int find_transport(struct cursor *c)
{
    const unsigned char *p = c->at;
    size_t length;
    unsigned char next;

    switch (get16(p + 12)) {
    case ETH_P_IP:
        if (!take(c, 14) || c->left < 20 || (c->at[0] & 0xf0) != 0x40)
            return 0;
        p = c->at;
        length = get16(p + 2);
        if (length < c->left)
            c->left = length;
        if ((p[0] & 15) < 5 || (get16(p + 6) & 0x1fff) != 0)
            return 0;
        return take(c, 4 * (size_t)(p[0] & 15)) && (p[9] == 6 || p[9] == 17);
    case ETH_P_IPV6:
        if (!take(c, 14) || c->left < 40 || (c->at[0] & 0xf0) != 0x60)
            return 0;
        p = c->at;
        length = get16(p + 4);
        next = p[6];
        take(c, 40);
        if (length < c->left)
            c->left = length;
        for (;;) {
            p = c->at;
            if (next == 6 || next == 17)
                return 1;
            if (c->left < 8)
                return 0;
            if (next == 44) {
                if (get16(p + 2) & 0xfff8)
                    return 0;
                take(c, 8);
            } else if (next == 0 || next == 43 || next == 60) {
                if (!take(c, 8 + 8 * (size_t)p[1]))
                    return 0;
            } else {
                return 0;
            }
            next = p[0];
        }
    default:
        return 0;
    }
}

static int put(int fd, const void *data, size_t len)
{
    const char *p = data;

    while (len > 0) {
        ssize_t n = write(fd, p, len);

        if (n == -1 && errno != EINTR)
            return -1;
        if (n > 0) {
            p += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int run(int sock, int is_loopback, int port, int count, int fd)
{
    unsigned char frame[262144];
    uint32_t header[6] = { 0xa1b2c3d4, 0, 0, 0, 262144, 1 };
    uint16_t version[2] = { 2, 4 };

    memcpy(&header[1], version, sizeof version);
    if (put(fd, header, sizeof header) == -1)
        return -1;
    while (count > 0) {
        struct sockaddr_ll from;
        struct iovec room = { frame, sizeof frame };
        struct msghdr message = {
            .msg_name = &from, .msg_namelen = sizeof from,
            .msg_iov = &room, .msg_iovlen = 1
        };
        struct pollfd wanted = { .fd = sock, .events = POLLIN };
        struct cursor c = { frame, 0 };
        ssize_t n;

        if (poll(&wanted, 1, -1) == -1 && errno != EINTR)
            return -1;
        n = recvmsg(sock, &message, MSG_DONTWAIT);
        if (n == -1 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (n == -1)
            return -1;
        c.left = (size_t)n;
        if ((is_loopback && from.sll_pkttype == PACKET_OUTGOING) || n < 14)
            continue;
        if (find_transport(&c) && c.left >= 4 &&
            (get16(c.at) == port || get16(c.at + 2) == port)) {
            struct timeval now;
            uint32_t record[4] = { 0, 0, (uint32_t)n, (uint32_t)n };

            gettimeofday(&now, NULL);
            record[0] = (uint32_t)now.tv_sec;
            record[1] = (uint32_t)now.tv_usec;
            if (put(fd, record, sizeof record) == -1 ||
                put(fd, frame, (size_t)n) == -1)
                return -1;
            count--;
        }
    }
    return 0;
}

static int open_file(const char *path, int *is_new)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    *is_new = fd != -1;
    if (fd == -1 && errno == EEXIST)
        fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    return fd;
}

int capture(const char *interface, int port, int count, const char *path)
{
    struct ifreq request = { 0 };
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)
    };
    int sock, fd = -1, is_new = 0, error = 0;

    if (count < 0 || port != (port & 0xffff)) {
        errno = EINVAL;
        return -1;
    }
    sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (sock == -1)
        return -1;
    strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
    if (ioctl(sock, SIOCGIFINDEX, &request) == -1)
        goto failed;
    at.sll_ifindex = request.ifr_ifindex;
    if (ioctl(sock, SIOCGIFFLAGS, &request) == -1)
        goto failed;
    if (bind(sock, (struct sockaddr *)&at, sizeof at) == -1)
        goto failed;
    fd = open_file(path, &is_new);
    if (fd == -1)
        goto failed;
    if (run(sock, request.ifr_flags & IFF_LOOPBACK, port, count, fd) == -1)
        goto failed;
    close(sock);
    if (close(fd) == -1) {
        error = errno;
        if (is_new)
            unlink(path);
        errno = error;
        return -1;
    }
    return 0;

failed:
    error = errno;
    close(sock);
    if (fd != -1)
        close(fd);
    if (is_new)
        unlink(path);
    errno = error;
    return -1;
}
