/*
 * expect: pass
 * gap: none
 * cause: Recursion over the list; select() and a deadline in a struct timeval from gettimeofday().
 * shows: never
 */
#include "udp_query.h"

#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

struct job {
    unsigned char *packet;
    size_t length;
    int attempts;
    struct timeval limit;
    char *answer;
    size_t size;
};

/* Length of the answer; -1 on error; the time is up: ETIMEDOUT. */
static ssize_t one_wait(int fd, const struct job *job)
{
    struct timeval now, end, rest;
    fd_set set;

    if (fd >= FD_SETSIZE) {
        errno = ENFILE;
        return -1;
    }
    gettimeofday(&now, NULL);
    timeradd(&now, &job->limit, &end);
    for (;; gettimeofday(&now, NULL)) {
        unsigned char *datagram;
        ssize_t n;
        int ready, waiting = 0;

        if (!timercmp(&now, &end, <)) {
            errno = ETIMEDOUT;
            return -1;
        }
        timersub(&end, &now, &rest);
        FD_ZERO(&set);
        FD_SET(fd, &set);
        ready = select(fd + 1, &set, NULL, NULL, &rest);
        if (ready == -1 && errno != EINTR)
            return -1;
        if (ready <= 0)
            continue;
        if (ioctl(fd, FIONREAD, &waiting) == -1)
            return -1;
        datagram = malloc((size_t)waiting + 1);
        if (datagram == NULL)
            return -1;
        n = recv(fd, datagram, (size_t)waiting + 1, MSG_DONTWAIT);
        if (n >= 2 && datagram[0] == job->packet[0] && datagram[1] == job->packet[1]) {
            n -= 2;
            if ((size_t)n <= job->size && n > 0)
                memcpy(job->answer, datagram + 2, (size_t)n);
            free(datagram);
            return n;
        }
        ready = errno;
        free(datagram);
        errno = ready;
        if (n == -1 && errno != EAGAIN && errno != EINTR)
            return -1;
    }
}

static ssize_t from(const struct addrinfo *a, const struct job *job)
{
    int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol), error;
    ssize_t n = -1;

    if (fd != -1) {
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) {
            int i = 0;

            do {
                ssize_t sent;

                do
                    sent = write(fd, job->packet, job->length);
                while (sent == -1 && errno == EINTR);
                if (sent == -1)
                    break;
                n = one_wait(fd, job);
            } while (n == -1 && errno == ETIMEDOUT && ++i < job->attempts);
        }
        error = errno;
        close(fd);
        errno = error;
    }
    return n == -1 && a->ai_next != NULL ? from(a->ai_next, job) : n;
}

ssize_t query(const char *host, const char *port, const void *question, size_t len,
              char *answer, size_t size, int attempts, int milliseconds)
{
    struct job job = { NULL, len + 2, attempts, { milliseconds / 1000, milliseconds % 1000 * 1000 }, answer, size };
    struct addrinfo hints = { 0 }, *list;
    ssize_t n;
    int error;

    if (attempts < 1 || milliseconds < 0 || (question == NULL && len > 0) || (answer == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    job.packet = malloc(len + 2);
    if (job.packet == NULL)
        return -1;
    arc4random_buf(job.packet, 2);
    if (len > 0)
        memcpy(job.packet + 2, question, len);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_protocol = IPPROTO_UDP;
    error = getaddrinfo(host, port, &hints, &list);
    if (error != 0) {
        free(job.packet);
        if (error != EAI_SYSTEM)
            errno = ENODEV;
        return -1;
    }
    n = from(list, &job);
    error = n > (ssize_t)size ? EMSGSIZE : errno;
    free(job.packet);
    freeaddrinfo(list);
    errno = error;
    return n > (ssize_t)size ? -1 : n;
}
