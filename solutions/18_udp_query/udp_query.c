/* Ask a datagram server: send, wait, send again, and know the answer for one's
   own. */

#include "udp_query.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ID_SIZE = 2 };

/* Milliseconds on a clock that nobody sets. */
static long long now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int send_whole(int fd, const struct msghdr *message)
{
    ssize_t n;

    do
        n = sendmsg(fd, message, 0);
    while (n == -1 && errno == EINTR);
    return n == -1 ? -1 : 0;
}

/* Wait for a reply with the id of the request.  Returns its length, of which
   there may be no room for all, or -1: ETIMEDOUT when the time is up. */
static ssize_t reply_within(int milliseconds, int fd,
                            const struct msghdr *request, struct msghdr *reply)
{
    const void *sent = request->msg_iov->iov_base, *got = reply->msg_iov->iov_base;
    struct pollfd waiter = { .fd = fd, .events = POLLIN };
    long long deadline = now() + milliseconds;

    for (;;) {
        long long left = deadline - now();
        int ready = left > 0 ? poll(&waiter, 1, (int)left) : 0;
        ssize_t n = -1;

        if (ready == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        /* What poll() saw may be gone again, if its checksum was wrong. */
        if (ready == 1)
            n = recvmsg(fd, reply, MSG_DONTWAIT | MSG_TRUNC);
        if (n == -1 && errno != EINTR && errno != EAGAIN)
            return -1;
        if (n >= ID_SIZE && memcmp(got, sent, ID_SIZE) == 0)
            return n;
    }
}

/* Ask one address up to so many times; a reply to any request counts. */
static ssize_t ask(int fd, const struct msghdr *request, struct msghdr *reply,
                   int attempts, int milliseconds)
{
    ssize_t n = -1;

    while (attempts-- > 0) {
        if (send_whole(fd, request) == -1)
            return -1;
        n = reply_within(milliseconds, fd, request, reply);
        if (n != -1 || errno != ETIMEDOUT)
            break;
    }
    return n;
}

ssize_t query(const char *host, const char *port, const void *question, size_t len,
              char *answer, size_t size, int attempts, int milliseconds)
{
    unsigned char id[ID_SIZE], other[ID_SIZE];
    struct iovec out[] = { { id, ID_SIZE }, { (void *)question, len } };
    struct iovec in[] = { { other, ID_SIZE }, { answer, size } };
    struct msghdr request = { .msg_iov = out, .msg_iovlen = 2 };
    struct msghdr reply = { .msg_iov = in, .msg_iovlen = 2 };
    struct addrinfo hints, *addresses, *a;
    ssize_t n = -1;
    int error;

    if (attempts < 1 || milliseconds < 0 || (question == NULL && len > 0) ||
        (answer == NULL && size > 0)) {
        errno = EINVAL;
        return -1;
    }
    if (getrandom(id, ID_SIZE, 0) != ID_SIZE)
        return -1;
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_DGRAM;
    error = getaddrinfo(host, port, &hints, &addresses);
    if (error != 0) {
        if (error != EAI_SYSTEM)
            errno = ENXIO;
        return -1;
    }
    for (a = addresses; a != NULL && n == -1; a = a->ai_next) {
        int fd = socket(a->ai_family, a->ai_socktype, a->ai_protocol);

        /* Connected, it hears this address alone, and is told of refusals. */
        if (fd != -1 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
            n = ask(fd, &request, &reply, attempts, milliseconds);
        error = errno;
        if (fd != -1)
            close(fd);
    }
    freeaddrinfo(addresses);
    errno = error;
    if (n == -1)
        return -1;
    if ((size_t)n - ID_SIZE > size) {
        errno = EMSGSIZE;
        return -1;
    }
    return n - ID_SIZE;
}
