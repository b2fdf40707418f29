/*
 * In which states a call finds its descriptor, from the kernel: what a fault can
 * be bound to, so that nothing is injected where it could not happen.
 */
#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/wait.h>

int __real_fcntl(int, int, ...);
int __real_getsockname(int, struct sockaddr *, socklen_t *);
int __real_getpeername(int, struct sockaddr *, socklen_t *);
int __real_getsockopt(int, int, int, void *, socklen_t *);
int __real_ppoll(struct pollfd *, nfds_t, const struct timespec *,
                 const sigset_t *);

static int listener = -1;       /* the last descriptor that was made to listen */

void states_listens(int fd)
{
    listener = fd;
}

static int option(int fd, int name)
{
    int value = 0;
    socklen_t size = sizeof value;

    return __real_getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value
                                                                       : 0;
}

/* What poll(2) says of a descriptor at this moment. */
static int polled(int fd, short events)
{
    static const struct timespec at_once = { 0, 0 };
    struct pollfd wanted = { .fd = fd, .events = events };

    return __real_ppoll(&wanted, 1, &at_once, NULL) == 1 ? wanted.revents : 0;
}

static uint32_t of_tcp(int fd, int state)
{
    switch (state) {
    case TCP_LISTEN:
        return STATE_LISTENING;
    case TCP_SYN_SENT:
        return STATE_CONNECTING;
    case TCP_CLOSE:             /* fresh, or ended by an error still to be told */
        return polled(fd, 0) & POLLERR ? 0 : STATE_UNCONNECTED;
    case TCP_CLOSE_WAIT:
    case TCP_CLOSING:
    case TCP_LAST_ACK:
    case TCP_TIME_WAIT:
        return STATE_CONNECTED | STATE_HALF_CLOSED;
    default:
        return STATE_CONNECTED;
    }
}

/* What can be said of a socket that is about to be made. */
static uint32_t of_kind(int64_t domain, int64_t type)
{
    int is_datagram = (type & 0xf) == SOCK_DGRAM, is_raw = (type & 0xf) == SOCK_RAW;
    uint32_t states = is_datagram || is_raw ? STATE_DATAGRAM : 0;

    if (domain == AF_UNIX)
        return states | STATE_UNIX |
               ((type & 0xf) == SOCK_STREAM ? STATE_STREAM : 0);
    if (domain == AF_PACKET)
        return states | STATE_PACKET;
    if (domain != AF_INET && domain != AF_INET6)
        return states;
    states |= is_raw ? STATE_RAW : 0;
    states |= domain == AF_INET6 ? STATE_IPV6 : 0;
    return states | (is_datagram ? STATE_UDP : 0) |
           ((type & 0xf) == SOCK_STREAM ? STATE_TCP : 0);
}

/* Whether a Unix socket, or its peer, has an address beside its family. */
static int has_name(int fd)
{
    struct sockaddr_storage name;
    socklen_t own = sizeof name, peer = sizeof name;

    return (__real_getsockname(fd, (struct sockaddr *)&name, &own) == 0 &&
            own > sizeof name.ss_family) ||
           (__real_getpeername(fd, (struct sockaddr *)&name, &peer) == 0 &&
            peer > sizeof name.ss_family);
}

static uint32_t of_socket(int fd)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    unsigned char tcp_state;    /* the first member of struct tcp_info */
    socklen_t one = sizeof tcp_state;
    uint32_t states;

    if (!trace_is_socket(fd))
        return 0;
    states = of_kind(option(fd, SO_DOMAIN), option(fd, SO_TYPE));
    if (__real_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp_state, &one) == 0)
        return states | of_tcp(fd, tcp_state);
    if (states & STATE_UNIX && has_name(fd))
        states |= STATE_NAMED;
    if (option(fd, SO_ACCEPTCONN))
        return states | STATE_LISTENING;
    if (__real_getpeername(fd, (struct sockaddr *)&peer, &size) == 0)
        return states | STATE_CONNECTED;
    return states | (errno == ENOTCONN ? STATE_UNCONNECTED : 0);
}

/* Of calls that look at a lock, a child or a file rather than at a socket. */
static uint32_t of_arguments(int operation, int64_t a, int64_t b)
{
    switch (operation) {
    case OP_EPOLL_CTL:
        return a == EPOLL_CTL_ADD ? STATE_ADDING : 0;
    case OP_OPEN:
        return a & O_CREAT ? STATE_ADDING : 0;
    case OP_WAITPID:
        return b & WNOHANG ? 0 : STATE_BLOCKING;
    case OP_FLOCK:
        return a & LOCK_UN ? 0 : a & LOCK_NB ? STATE_TRYING : STATE_BLOCKING;
    default:                    /* of fcntl */
        if ((a == F_SETLK || a == F_OFD_SETLK) && b != F_UNLCK)
            return STATE_TRYING;
        return a == F_SETLKW || a == F_OFD_SETLKW ? STATE_BLOCKING : 0;
    }
}

static int joins_group(int operation, int64_t level, int64_t name)
{
    return operation == OP_SETSOCKOPT &&
           ((level == IPPROTO_IP && name == IP_ADD_MEMBERSHIP) ||
            (level == IPPROTO_IPV6 && name == IPV6_JOIN_GROUP));
}

static uint32_t of_call_on(int fd, int operation, int64_t a, int64_t b)
{
    int receives = IS_ONE_OF(operation, GROUP_RECV);
    int takes = receives || IS_ONE_OF(operation, GROUP_ACCEPT);
    int moves = receives || IS_ONE_OF(operation, GROUP_SEND);
    uint32_t states = of_socket(fd);

    if (takes && polled(fd, POLLIN))
        states |= STATE_READY;
    if (!(__real_fcntl(fd, F_GETFL) & O_NONBLOCK) &&
        !(moves && b & MSG_DONTWAIT))
        states |= STATE_BLOCKING;
    return states | (joins_group(operation, a, b) ? STATE_ADDING : 0);
}

uint32_t states_of(int operation, int fd, int64_t a, int64_t b)
{
    int saved_errno = errno;
    uint32_t states = 0;

    switch (operation) {
    case OP_EPOLL_CTL:
    case OP_OPEN:
    case OP_WAITPID:
    case OP_FLOCK:
    case OP_FCNTL:
        states = of_arguments(operation, a, b);
        break;
    case OP_SOCKET:
    case OP_SOCKETPAIR:
        states = of_kind(a, b);
        break;
    case OP_POLL:
    case OP_SELECT:
    case OP_EPOLL_WAIT:
        states = option(listener, SO_ACCEPTCONN) ? STATE_LISTENING : 0;
        states |= b != 0 ? STATE_BLOCKING : 0;
        break;
    default:
        if (fd >= 0)
            states = of_call_on(fd, operation, a, b);
    }
    errno = saved_errno;
    return states;
}
