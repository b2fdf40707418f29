/* A thread that listens, and the caller's, which waits for it. */

#include "capture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netpacket/packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct task {
    const char *interface, *path;
    int port, count, error;
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Find the offset of TCP or UDP in len bytes of an IP packet, and *end, where the packet
   ends.  Returns 0 if there is none. */
static size_t transport4(const unsigned char *p, size_t len, size_t *end)
{
    struct iphdr ip;

    if (len < sizeof ip)
        return 0;
    memcpy(&ip, p, sizeof ip);
    *end = least(len, ntohs(ip.tot_len));
    if (ip.version != 4 || ip.ihl < 5 || (ntohs(ip.frag_off) & IP_OFFMASK))
        return 0;
    if (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP)
        return 0;
    return ip.ihl * 4u;
}

static size_t transport6(const unsigned char *p, size_t len, size_t *end)
{
    struct ip6_hdr ip;
    struct ip6_frag fragment;
    struct ip6_ext extension;
    size_t at = sizeof ip;
    unsigned int next;

    if (len < sizeof ip)
        return 0;
    memcpy(&ip, p, sizeof ip);
    if (ip.ip6_vfc >> 4 != 6)
        return 0;
    *end = least(len, sizeof ip + ntohs(ip.ip6_plen));
    for (next = ip.ip6_nxt;; next = extension.ip6e_nxt) {
        if (next == IPPROTO_TCP || next == IPPROTO_UDP)
            return at;
        if (*end < at + 8)
            return 0;
        memcpy(&extension, p + at, sizeof extension);
        switch (next) {
        case IPPROTO_FRAGMENT:
            memcpy(&fragment, p + at, sizeof fragment);
            if (fragment.ip6f_offlg & IP6F_OFF_MASK)
                return 0;
            at += sizeof fragment;
            break;
        case IPPROTO_HOPOPTS:
        case IPPROTO_ROUTING:
        case IPPROTO_DSTOPTS:
            at += 8u + extension.ip6e_len * 8u;
            break;
        default:
            return 0;
        }
    }
}

static int is_wanted(const unsigned char *frame, size_t len, int port)
{
    struct ether_header link;
    size_t at = 0, end = 0;
    uint16_t ports[2];

    if (len < sizeof link)
        return 0;
    memcpy(&link, frame, sizeof link);
    frame += sizeof link;
    len -= sizeof link;
    if (ntohs(link.ether_type) == ETHERTYPE_IP)
        at = transport4(frame, len, &end);
    else if (ntohs(link.ether_type) == ETHERTYPE_IPV6)
        at = transport6(frame, len, &end);
    if (at == 0 || end < at + sizeof ports)
        return 0;
    memcpy(ports, frame + at, sizeof ports);
    return ntohs(ports[0]) == port || ntohs(ports[1]) == port;
}

static int record(FILE *file, const void *frame, size_t len)
{
    struct timespec now;
    uint32_t head[4];

    timespec_get(&now, TIME_UTC);
    head[0] = (uint32_t)now.tv_sec;
    head[1] = (uint32_t)(now.tv_nsec / 1000);
    head[2] = head[3] = (uint32_t)len;
    return fwrite(head, 4, 4, file) == 4 && fwrite(frame, 1, len, file) == len;
}

static int listen_on(int fd, const struct task *task, FILE *file)
{
    static const struct {
        uint32_t magic;
        uint16_t version[2];
        uint32_t unused[2], limit, link;
    } header = { 0xa1b2c3d4, { 2, 4 }, { 0, 0 }, 262144, 1 };
    unsigned char frame[262144];
    int done = 0;

    if (fwrite(&header, sizeof header, 1, file) != 1)
        return 0;
    while (done < task->count) {
        struct sockaddr_ll from = { 0 };
        socklen_t room = sizeof from;
        ssize_t n = recvfrom(fd, frame, sizeof frame, 0,
                             (struct sockaddr *)&from, &room);

        if (n < 0) {
            if (errno != EINTR)
                return 0;
        } else if (from.sll_hatype == ARPHRD_LOOPBACK &&
                   from.sll_pkttype == PACKET_OUTGOING) {
            continue;
        } else if (is_wanted(frame, (size_t)n, task->port)) {
            if (!record(file, frame, (size_t)n))
                return 0;
            done++;
        }
    }
    return 1;
}

static int listen_and_write(const struct task *task, int fd)
{
    FILE *file = fopen(task->path, "wxb");
    int existed = 0, is_done, error;

    if (!file && errno == EEXIST) {
        existed = 1;
        file = fopen(task->path, "wb");
    }
    if (!file)
        return errno;
    is_done = listen_on(fd, task, file);
    error = errno;
    if (fclose(file) == EOF && is_done) {
        is_done = 0;
        error = errno;
    }
    if (is_done)
        return 0;
    if (!existed)
        remove(task->path);
    return error;
}

static void *work(void *argument)
{
    struct task *task = argument;
    struct sockaddr_ll here = { .sll_family = PF_PACKET };
    int fd = socket(PF_PACKET, SOCK_RAW, 0);

    if (fd < 0) {
        task->error = errno;
        return NULL;
    }
    here.sll_protocol = htons(ETH_P_ALL);
    here.sll_ifindex = (int)if_nametoindex(task->interface);
    if (here.sll_ifindex == 0 ||
        bind(fd, (struct sockaddr *)&here, sizeof here) < 0)
        task->error = errno;
    else
        task->error = listen_and_write(task, fd);
    close(fd);
    return NULL;
}

int capture(const char *interface, int port, int count, const char *path)
{
    struct task task = { interface, path, port, count, 0 };
    pthread_t thread;
    int error;

    if (port < 0 || port > 0xffff || count < 0) {
        errno = EINVAL;
        return -1;
    }
    error = pthread_create(&thread, NULL, work, &task);
    if (error == 0) {
        pthread_join(thread, NULL);
        error = task.error;
    }
    errno = error;
    return error == 0 ? 0 : -1;
}
