/* Data over datagrams that may be lost: send one, wait for its acknowledgement,
   send the next. */

#include "stop_and_wait.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FOR_EVER LLONG_MAX      /* a deadline that never comes */

enum { DATA, ACKNOWLEDGEMENT };

enum {
    HEAD = 2,                   /* bytes before the data: the type and the bit */
    MOST = 512,                 /* bytes of data in a datagram */
    SENDS = 40                  /* of each datagram */
};

/* Milliseconds on a clock that nobody sets. */
static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* Receive a datagram.  Returns its length, or -1: ETIMEDOUT when the deadline has
   passed. */
static ssize_t take(int fd, void *datagram, size_t size, struct sockaddr_in *source,
                    long long deadline)
{
    struct pollfd waiter = { .fd = fd, .events = POLLIN };

    for (;;) {
        long long left = deadline - now();
        int ready = left > 0 ? poll(&waiter, 1, left > INT_MAX ? -1 : (int)left) : 0;
        socklen_t length = sizeof *source;
        ssize_t n = -1;

        if (ready == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        /* What poll() saw may be gone again, if its checksum was wrong. */
        if (ready == 1)
            n = recvfrom(fd, datagram, size, MSG_DONTWAIT, (struct sockaddr *)source,
                         &length);
        if (n != -1 || (errno != EINTR && errno != EAGAIN))
            return n;
    }
}

/* The addresses for datagrams, to be freed; NULL with errno set. */
static struct addrinfo *look_up(const char *host, const char *port, int flags)
{
    struct addrinfo hints, *addresses;
    int error;

    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = flags;
    error = getaddrinfo(host, port, &hints, &addresses);
    if (error == 0)
        return addresses;
    if (error != EAI_SYSTEM)
        errno = ENXIO;
    return NULL;
}

static void close_keeping_errno(int fd)
{
    int error = errno;

    close(fd);
    errno = error;
}

/* --- the sender ----------------------------------------------------------- */

static int send_once(int fd, const struct msghdr *datagram)
{
    while (sendmsg(fd, datagram, 0) == -1) {
        if (errno == ECONNREFUSED)
            return 0;           /* the receiver may be about to start */
        if (errno != EINTR)
            return -1;
    }
    return 0;
}

/* Wait for the acknowledgement of that bit.  Returns 1 when it has come, 0 when
   the time is up, or -1. */
static int is_acknowledged(int fd, int bit, int milliseconds)
{
    long long deadline = now() + milliseconds;
    unsigned char got[HEAD + 1];
    struct sockaddr_in source;
    ssize_t n;

    while ((n = take(fd, got, sizeof got, &source, deadline)) != -1 ||
           errno == ECONNREFUSED)
        if (n == HEAD && got[0] == ACKNOWLEDGEMENT && got[1] == bit)
            return 1;
    return errno == ETIMEDOUT ? 0 : -1;
}

/* Send a datagram until it is acknowledged. */
static int deliver(int fd, int bit, const void *piece, size_t size, int milliseconds)
{
    unsigned char head[HEAD] = { DATA, (unsigned char)bit };
    struct iovec parts[] = { { head, HEAD }, { (void *)piece, size } };
    struct msghdr datagram = { .msg_iov = parts, .msg_iovlen = 2 };

    for (int turn = 0; turn < SENDS; turn++) {
        int answer;

        if (send_once(fd, &datagram) == -1)
            return -1;
        answer = is_acknowledged(fd, bit, milliseconds);
        if (answer != 0)
            return answer == 1 ? 0 : -1;
    }
    errno = ETIMEDOUT;
    return -1;
}

/* Returns a socket of the first address that acknowledges the first datagram. */
static int reach(const char *host, const char *port, const void *piece, size_t size,
                 int milliseconds)
{
    struct addrinfo *addresses = look_up(host, port, 0);
    int fd = -1, error = errno;

    if (addresses == NULL)
        return -1;
    for (struct addrinfo *a = addresses; a != NULL && fd == -1; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);
        if (fd != -1 && (connect(fd, a->ai_addr, a->ai_addrlen) == -1 ||
                         deliver(fd, 0, piece, size, milliseconds) == -1)) {
            close_keeping_errno(fd);
            fd = -1;
        }
        error = errno;
    }
    freeaddrinfo(addresses);
    errno = error;
    return fd;
}

int send_reliably(const char *host, const char *port, const void *data, size_t len,
                  int milliseconds)
{
    const char *piece = data;
    size_t size = len < MOST ? len : MOST;
    int fd, bit = 0, result = 0;

    if (milliseconds < 0 || (data == NULL && len > 0)) {
        errno = EINVAL;
        return -1;
    }
    fd = reach(host, port, piece, size, milliseconds);
    if (fd == -1)
        return -1;
    while (result == 0 && size > 0) {   /* what was delivered is not the end */
        piece += size;
        len -= size;
        size = len < MOST ? len : MOST;
        bit = !bit;
        result = deliver(fd, bit, piece, size, milliseconds);
    }
    close_keeping_errno(fd);
    return result;
}

/* --- the receiver --------------------------------------------------------- */

static int is_data(const unsigned char *datagram, ssize_t n)
{
    return n >= HEAD && n <= HEAD + MOST && datagram[0] == DATA && datagram[1] <= 1;
}

static int is_from(const struct sockaddr_in *sender, const struct sockaddr_in *source)
{
    return sender->sin_addr.s_addr == source->sin_addr.s_addr &&
           sender->sin_port == source->sin_port;
}

/* Send an acknowledgement; if that fails, it is lost like any other. */
static void acknowledge(int fd, int bit, const struct sockaddr_in *sender)
{
    unsigned char head[HEAD] = { ACKNOWLEDGEMENT, (unsigned char)bit };

    while (sendto(fd, head, HEAD, 0, (const struct sockaddr *)sender,
                  sizeof *sender) == -1 && errno == EINTR)
        continue;
}

/* Acknowledge repeats of the end, until none has come for so long. */
static int stay(int fd, int bit, const struct sockaddr_in *sender, int milliseconds)
{
    long long deadline = now() + milliseconds;
    unsigned char got[HEAD + 1];
    struct sockaddr_in source;
    ssize_t n;

    while ((n = take(fd, got, sizeof got, &source, deadline)) != -1)
        if (n == HEAD && is_data(got, n) && got[1] == bit && is_from(sender, &source)) {
            acknowledge(fd, bit, sender);
            deadline = now() + milliseconds;
        }
    return errno == ETIMEDOUT ? 0 : -1;
}

static ssize_t receive(int fd, char *data, size_t size, int milliseconds)
{
    unsigned char datagram[HEAD + MOST + 1];
    struct sockaddr_in sender, source;
    int has_sender = 0, expected = 0;
    size_t got = 0;

    for (;;) {
        ssize_t n = take(fd, datagram, sizeof datagram, &source, FOR_EVER);

        if (n == -1)
            return -1;
        if (!is_data(datagram, n))
            continue;
        if (has_sender ? !is_from(&sender, &source) : datagram[1] != 0)
            continue;
        sender = source;
        has_sender = 1;
        if (datagram[1] != expected) {  /* its acknowledgement was lost */
            acknowledge(fd, datagram[1], &sender);
            continue;
        }
        if ((size_t)n - HEAD > size - got) {
            errno = EMSGSIZE;
            return -1;
        }
        acknowledge(fd, datagram[1], &sender);
        if (n == HEAD)
            break;
        memcpy(data + got, datagram + HEAD, (size_t)n - HEAD);
        got += (size_t)n - HEAD;
        expected = !expected;
    }
    if (stay(fd, datagram[1], &sender, milliseconds) == -1)
        return -1;
    return (ssize_t)got;
}

ssize_t recv_reliably(const char *port, char *data, size_t size, int milliseconds)
{
    struct addrinfo *address;
    ssize_t n = -1;
    int fd, error;

    if (milliseconds < 0 || (data == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    address = look_up(NULL, port, AI_PASSIVE);
    if (address == NULL)
        return -1;
    fd = socket(address->ai_family, address->ai_socktype, address->ai_protocol);
    if (fd != -1 && bind(fd, address->ai_addr, address->ai_addrlen) == 0)
        n = receive(fd, data, size, milliseconds);
    error = errno;
    freeaddrinfo(address);
    if (fd != -1)
        close(fd);
    errno = error;
    return n;
}
