/*
 * expect: fail
 * gap: other
 * cause: After a short sendmsg() the whole count is skipped in the payload, although four bytes of it were the header: four bytes of the payload are never sent.
 * shows: sendmsg() returns less than header and payload together (a signal, a full buffer with a time-out): the peer waits for the missing bytes.
 * says: 4 bytes between are left out
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#define LIMIT 65536u

static int send_rest(int fd, const unsigned char *p, size_t left)
{
    while (left > 0) {
        ssize_t n = send(fd, p, left, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        p += n;
        left -= (size_t)n;
    }
    return 0;
}

int send_message(int fd, const void *payload, size_t len)
{
    uint32_t prefix = htonl((uint32_t)len);
    struct iovec iov[2];
    struct msghdr msg;
    size_t sent;
    ssize_t n;

    if (len > LIMIT || (len > 0 && !payload)) {
        errno = EINVAL;
        return -1;
    }
    iov[0].iov_base = &prefix;
    iov[0].iov_len = sizeof prefix;
    iov[1].iov_base = (void *)payload;
    iov[1].iov_len = len;
    memset(&msg, 0, sizeof msg);
    msg.msg_iov = iov;
    msg.msg_iovlen = 2;
    do
        n = sendmsg(fd, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -1;
    sent = (size_t)n;
    if (sent < sizeof prefix) {
        if (send_rest(fd, (unsigned char *)&prefix + sent, sizeof prefix - sent) < 0)
            return -1;
        sent = 0;
    } else if (sent == sizeof prefix + len) {
        return 0;
    }
    if (sent >= len)
        return 0;
    return send_rest(fd, (const unsigned char *)payload + sent, len - sent);
}

static int read_exactly(int fd, void *to, size_t want, size_t *have)
{
    *have = 0;
    while (*have < want) {
        ssize_t n = recv(fd, (char *)to + *have, want - *have, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            return 0;
        *have += (size_t)n;
    }
    return 1;
}

int recv_message(int fd, void *payload, size_t size, size_t *len)
{
    uint32_t prefix;
    size_t have;
    int rc;

    if (!len || (size > 0 && !payload)) {
        errno = EINVAL;
        return -1;
    }
    rc = read_exactly(fd, &prefix, sizeof prefix, &have);
    if (rc < 0 || (rc == 0 && have == 0))
        return rc;
    if (rc > 0) {
        prefix = ntohl(prefix);
        if (prefix > LIMIT || prefix > size) {
            errno = EMSGSIZE;
            return -1;
        }
        rc = read_exactly(fd, payload, prefix, &have);
        if (rc < 0)
            return -1;
    }
    if (rc == 0) {
        errno = ECONNRESET;
        return -1;
    }
    *len = prefix;
    return 1;
}
