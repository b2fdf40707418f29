"""What can fail, and when: the errors that the kernel reports of each call, in which
state of the descriptor, and why.

The torture sweep injects nothing else.  "Can" means that some past that agrees with
all that the program has seen leads to the error: a connection may have been reset
a moment ago, an unconnected socket may not.  Left out are errors that only a wrong
argument gives (EBADF, EFAULT, EINVAL, ENOTSOCK, ...), and calls that cannot fail
with right ones on Linux:

- ``close()`` of a socket: there is nothing to write back (``sock_close()`` is 0)
- ``shutdown()``: ENOTCONN comes of a socket that is not connected (``inet_shutdown()``)
- ``getsockname()``, ``getpeername()``: the same, and nothing is allocated
- ``setsockopt()``, ``getsockopt()``, ``fcntl()``: no option of the exercises allocates
- ``poll()``, ``select()`` with ENOMEM: few descriptors fit on the kernel's stack
- ``bind()`` with EADDRNOTAVAIL: the addresses of the exercises are the machine's own
- ``pthread_create()``: only the contract of a server with threads says what then
- ``send()``, ``recv()`` of a socketpair() with EPIPE or ECONNRESET: the program has
  the other end, too, and nobody else closes it
- ``send()``, ``recv()`` of TCP with ENOBUFS or ENOMEM: ``tcp_sendmsg()`` waits for
  memory, and ``tcp_recvmsg()`` needs none
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from grader.trace import layout
from grader.trace.calls import GROUPS


class Failure(NamedTuple):
    """One way in which a call can fail.

    Attributes:
        call: its name, or a group of `calls.GROUPS`.
        states: words of `layout.STATES`, all of which must hold.
        error: symbolic name of the errno.
        reason: the man page, or the place in the kernel, that says so.
    """

    call: str
    states: str
    error: str
    reason: str

    @property
    def bits(self) -> int:
        return sum(layout.STATE_BIT[word] for word in self.states.split())


FAILURES = tuple(
    Failure(*row)
    for row in (
        # --- a descriptor is made
        ("socket", "", "EACCES", "socket(2): a security module forbids it"),
        ("socket", "", "EAFNOSUPPORT", "socket(2): a machine without IPv6"),
        ("socket", "", "EMFILE", "socket(2): the process's limit"),
        ("socket", "", "ENFILE", "socket(2): the system's limit"),
        ("socket", "", "ENOBUFS", "socket(2)"),
        ("socket", "", "ENOMEM", "socket(2)"),
        ("socketpair", "", "EMFILE", "socketpair(2): the process's limit"),
        ("socketpair", "", "ENFILE", "socketpair(2): the system's limit"),
        ("socketpair", "", "ENOMEM", "socketpair(2): unix_create1()"),
        ("dup", "", "EMFILE", "dup(2): the process's limit"),
        ("epoll_create", "", "EMFILE", "epoll_create(2): the user's or the process's limit"),
        ("epoll_create", "", "ENFILE", "epoll_create(2): the system's limit"),
        ("epoll_create", "", "ENOMEM", "epoll_create(2)"),
        # --- a socket gets its name and its role
        ("bind", "unconnected", "EACCES", "bind(2): a protected port; a security module"),
        ("bind", "unconnected", "EADDRINUSE", "bind(2)"),
        ("listen", "tcp unconnected", "EADDRINUSE", "listen(2): inet_csk_listen_start() asks for the port again"),
        ("accept", "listening", "ECONNABORTED", "accept(2): the client has gone"),
        ("accept", "listening", "EMFILE", "accept(2): the number is taken before it waits"),
        ("accept", "listening", "ENFILE", "accept(2): sock_alloc_file()"),
        ("accept", "listening", "ENOBUFS", "accept(2)"),
        ("accept", "listening", "ENOMEM", "accept(2)"),
        ("accept", "listening", "EPERM", "accept(2): firewall rules forbid connection"),
        ("accept", "listening", "EPROTO", "accept(2): an error of the new connection"),
        ("accept", "listening blocking", "EINTR", "accept(2): inet_csk_accept() sleeps"),
        ("connect", "tcp unconnected", "EACCES", "connect(2): a local firewall rule"),
        ("connect", "tcp unconnected", "EPERM", "connect(2): a local firewall rule"),
        ("connect", "tcp unconnected", "EADDRNOTAVAIL", "connect(2): all ephemeral ports are in use"),
        ("connect", "tcp unconnected blocking", "ECONNREFUSED", "connect(2): nobody listens"),
        ("connect", "tcp unconnected", "ENETUNREACH", "connect(2): no route"),
        ("connect", "tcp unconnected blocking", "EINTR", "connect(2): inet_wait_for_connect() sleeps"),
        ("connect", "tcp unconnected blocking", "ETIMEDOUT", "connect(2): no answer"),
        ("connect", "tcp connecting", "ECONNREFUSED", "connect(2): asked for the result"),
        ("connect", "tcp connecting", "ETIMEDOUT", "connect(2): asked for the result"),
        ("connect", "unix unconnected", "EACCES", "unix(7): no permission for the path"),
        ("connect", "unix unconnected", "ECONNREFUSED", "unix(7): nobody listens"),
        # --- bytes move
        ("send", "tcp connected", "ECONNRESET", "tcp_reset(): the peer has reset the connection"),
        ("send", "tcp connected", "EPERM", "security_socket_sendmsg(): a security module forbids it"),
        ("send", "tcp connected", "EPIPE", "tcp_reset(): the same after its end-of-file"),
        ("send", "tcp connected", "EHOSTUNREACH", "tcp_write_err(): ICMP has said so all the time"),
        ("send", "tcp connected", "ETIMEDOUT", "tcp(7): nothing was acknowledged for long"),
        ("send", "tcp connected blocking", "EINTR", "sk_stream_wait_memory() sleeps"),
        ("send", "unix connected blocking", "EINTR", "sock_alloc_send_pskb() sleeps"),
        ("send", "datagram connected", "ECONNREFUSED", "udp(7): ICMP on an earlier datagram"),
        ("send", "datagram blocking", "EINTR", "sock_alloc_send_pskb() sleeps"),
        ("recv", "tcp connected", "ECONNRESET", "tcp_reset(): the peer has reset the connection"),
        ("recv", "tcp connected", "EPERM", "security_socket_recvmsg(): a security module forbids it"),
        ("recv", "tcp connected", "EHOSTUNREACH", "tcp_write_err(): ICMP has said so all the time"),
        ("recv", "tcp connected", "ETIMEDOUT", "tcp(7): keepalive or data was not acknowledged"),
        ("recv", "tcp connected blocking", "EINTR", "sk_wait_data() sleeps"),
        ("recv", "tcp connecting", "ECONNREFUSED", "asked for the result of connect(2)"),
        ("recv", "unix connected blocking", "EINTR", "unix_stream_data_wait() sleeps"),
        ("recv", "datagram connected", "ECONNREFUSED", "udp(7): ICMP on an earlier datagram"),
        ("recv", "datagram blocking", "EINTR", "__skb_wait_for_more_packets() sleeps"),
        # --- waiting, and help
        ("poll", "", "EINTR", "poll(2): whether or not it may sleep (do_poll())"),
        ("select", "", "EINTR", "select(2): whether or not it may sleep (do_select())"),
        ("epoll_wait", "blocking", "EINTR", "epoll_wait(2): ep_poll() sleeps"),
        ("epoll_ctl", "adding", "ENOMEM", "epoll_ctl(2)"),
        ("epoll_ctl", "adding", "ENOSPC", "epoll_ctl(2): max_user_watches"),
        ("fork", "", "EAGAIN", "fork(2): the user's or the system's limit"),
        ("fork", "", "ENOMEM", "fork(2)"),
    )
)


def failures_of(call: str, states: int) -> Iterator[Failure]:
    """The ways in which a call can fail in these states.

    Args:
        call: its name.
        states: bits of `layout.STATES`.
    """
    for failure in FAILURES:
        if call in GROUPS.get(failure.call, (failure.call,)) and not failure.bits & ~states:
            yield failure
