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
- ``setsockopt()``, ``getsockopt()``: no option of the exercises allocates, but for
  those that join a group
- ``poll()``, ``select()`` with ENOMEM: few descriptors fit on the kernel's stack
- ``bind()`` with EADDRNOTAVAIL: the addresses of the exercises are the machine's own
- ``pthread_create()``: only the contract of a server with threads says what then
- ``send()``, ``recv()`` of a socketpair() with EPIPE or ECONNRESET: the program has
  the other end, too, and nobody else closes it
- ``unlink()``, ``rmdir()``, ``rename()``, and ``waitpid()`` but for EINTR: whatever a
  program does then, what it was to remove stays behind
- ``umask()``, ``kill()`` of a child, ``stat()`` and its like of what is there
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
        ("socket", "ipv6", "EAFNOSUPPORT", "socket(2): a machine without IPv6"),
        ("socket", "raw", "EPERM", "raw(7): without CAP_NET_RAW"),
        ("socket", "packet", "EPERM", "packet(7): without CAP_NET_RAW"),
        ("socket", "", "EMFILE", "socket(2): the process's limit"),
        ("socket", "", "ENFILE", "socket(2): the system's limit"),
        ("socket", "", "ENOBUFS", "socket(2)"),
        ("socket", "", "ENOMEM", "socket(2)"),
        ("socketpair", "", "EMFILE", "socketpair(2): the process's limit"),
        ("socketpair", "", "ENFILE", "socketpair(2): the system's limit"),
        ("socketpair", "", "ENOMEM", "socketpair(2): unix_create1()"),
        ("dup", "", "EMFILE", "dup(2): the process's limit"),
        ("pipe", "", "EMFILE", "pipe(2): the process's limit"),
        ("pipe", "", "ENFILE", "pipe(2): the system's limit"),
        ("epoll_create", "", "EMFILE", "epoll_create(2): the user's or the process's limit"),
        ("epoll_create", "", "ENFILE", "epoll_create(2): the system's limit"),
        ("epoll_create", "", "ENOMEM", "epoll_create(2)"),
        # --- a socket gets its name and its role
        ("bind", "unconnected", "EACCES", "bind(2): a protected port; a security module"),
        ("bind", "unconnected", "EADDRINUSE", "bind(2)"),
        ("bind", "packet", "ENODEV", "packet_do_bind(): the interface is gone"),
        ("listen", "tcp unconnected", "EADDRINUSE", "listen(2): inet_csk_listen_start() asks for the port again"),
        ("bind", "unix unconnected", "ENOSPC", "unix_bind(): vfs_mknod() makes the file"),
        ("bind", "unix unconnected", "EROFS", "bind(2): the file system is read-only"),
        ("accept", "tcp listening", "ECONNABORTED", "accept(2): the client has gone"),
        ("accept", "listening", "EMFILE", "accept(2): the number is taken before it waits"),
        ("accept", "listening", "ENFILE", "accept(2): sock_alloc_file()"),
        ("accept", "tcp listening", "ENOBUFS", "accept(2)"),
        ("accept", "listening", "ENOMEM", "accept(2)"),
        ("accept", "tcp listening", "EPERM", "accept(2): firewall rules forbid connection"),
        ("accept", "tcp listening", "EPROTO", "accept(2): an error of the new connection"),
        ("accept", "listening blocking", "EINTR", "accept(2): it sleeps"),
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
        ("connect", "unix unconnected", "ENOENT", "unix(7): the path is not there"),
        ("connect", "unix stream unconnected blocking", "EINTR", "unix_wait_for_peer() sleeps"),
        ("connect", "udp", "EACCES", "connect(2): a security module forbids it"),
        ("connect", "udp", "EAGAIN", "inet_autobind(): all ephemeral ports are in use"),
        ("connect", "udp", "ENETUNREACH", "connect(2): no route"),
        ("setsockopt", "adding", "ENOBUFS", "ip_mc_join_group(): igmp_max_memberships"),
        ("setsockopt", "adding", "ENODEV", "ip_mc_join_group(): the interface is gone, or no route leads to one"),
        ("setsockopt", "adding", "ENOMEM", "ip_mc_join_group()"),
        # --- bytes move
        ("send", "tcp connected", "ECONNRESET", "tcp_reset(): the peer has reset the connection"),
        ("send", "tcp connected", "EPIPE", "tcp_reset(): the same after its end-of-file"),
        ("send", "tcp connected", "EHOSTUNREACH", "tcp_write_err(): ICMP has said so all the time"),
        ("send", "tcp connected", "ETIMEDOUT", "tcp(7): nothing was acknowledged for long"),
        ("send", "tcp connected blocking", "EINTR", "sk_stream_wait_memory() sleeps"),
        ("send", "unix connected blocking", "EINTR", "sock_alloc_send_pskb() sleeps"),
        ("send", "unix stream connected named", "EPIPE", "unix_stream_sendmsg(): the peer has closed"),
        ("sendmsg", "unix stream connected", "ENOBUFS", "sock_alloc_send_pskb(): no memory"),
        ("send", "udp connected", "ECONNREFUSED", "udp(7): ICMP on an earlier datagram"),
        ("send", "udp", "EHOSTUNREACH", "ip_route_output_flow(): no route any more"),
        ("send", "udp", "ENETUNREACH", "ip_route_output_flow(): no route any more"),
        ("send", "udp", "EPERM", "udp_send_skb(): a firewall rule"),
        ("send", "raw", "EHOSTUNREACH", "ip_route_output_flow(): no route any more"),
        ("send", "raw", "ENETUNREACH", "ip_route_output_flow(): no route any more"),
        ("send", "raw", "EPERM", "raw_send_hdrinc(): a firewall rule"),
        ("send", "datagram", "ENOBUFS", "sock_alloc_send_pskb(): no memory"),
        ("send", "unix datagram", "ECONNREFUSED", "unix(7): the receiver has closed"),
        ("send", "unix datagram", "EACCES", "unix(7): no permission for the path"),
        ("send", "datagram blocking", "EINTR", "sock_alloc_send_pskb() sleeps"),
        ("recv", "tcp connected", "ECONNRESET", "tcp_reset(): the peer has reset the connection"),
        ("recv", "tcp connected", "EHOSTUNREACH", "tcp_write_err(): ICMP has said so all the time"),
        ("recv", "tcp connected", "ETIMEDOUT", "tcp(7): keepalive or data was not acknowledged"),
        ("recv", "tcp connected blocking", "EINTR", "sk_wait_data() sleeps"),
        ("recv", "tcp connecting", "ECONNREFUSED", "asked for the result of connect(2)"),
        ("recv", "unix connected blocking", "EINTR", "unix_stream_data_wait() sleeps"),
        ("recv", "unix stream connected named", "ECONNRESET", "unix_release_sock(): the peer has left data unread"),
        ("recv", "udp connected", "ECONNREFUSED", "udp(7): ICMP on an earlier datagram"),
        ("recv", "packet", "ENETDOWN", "packet_notifier(): the interface has gone down"),
        ("recv", "datagram", "EPERM", "security_socket_recvmsg(): a security module forbids it"),
        ("recv", "datagram blocking", "EINTR", "__skb_wait_for_more_packets() sleeps"),
        # --- files and locks
        ("open", "", "EACCES", "open(2): no permission"),
        ("open", "", "EMFILE", "open(2): the process's limit"),
        ("open", "", "ENFILE", "open(2): the system's limit"),
        ("open", "adding", "ENOSPC", "open(2): no room for a new file"),
        ("fopen", "", "EMFILE", "open(2): the process's limit"),
        ("opendir", "", "EMFILE", "opendir(3): the process's limit"),
        ("opendir", "", "ENOMEM", "opendir(3): no memory"),
        ("readlink", "", "ENOMEM", "readlink(2): no memory"),
        ("fread", "", "EIO", "read(2): the device fails"),
        ("fwrite", "", "ENOSPC", "write(2): no room"),
        ("fwrite", "", "EIO", "write(2): the device fails"),
        ("fclose", "", "EIO", "close(2): an earlier write has failed"),
        ("mkstemp", "", "EMFILE", "open(2): the process's limit"),
        ("mkstemp", "", "ENOSPC", "open(2): no room for a new file"),
        ("mkdir", "", "EACCES", "mkdir(2): no permission"),
        ("mkdir", "", "ENOSPC", "mkdir(2): no room for a new directory"),
        ("chmod", "", "ENOMEM", "chmod(2): getname() copies the path"),
        ("fchmod", "", "EROFS", "chmod(2): the file system is read-only now"),
        ("chown", "", "ENOMEM", "chown(2): getname() copies the path"),
        ("flock", "trying", "EAGAIN", "flock(2): another process has the lock"),
        ("flock", "blocking", "EINTR", "flock(2): it sleeps"),
        ("flock", "blocking", "ENOLCK", "flock(2): flock_make_lock() allocates"),
        ("fcntl", "trying", "EAGAIN", "fcntl(2): another process has the lock"),
        ("fcntl", "blocking", "EINTR", "fcntl(2): it sleeps"),
        ("fcntl", "blocking", "ENOLCK", "fcntl(2): locks_alloc_lock()"),
        # --- waiting, and help
        ("if_nametoindex", "", "EMFILE", "if_nametoindex(3): it opens a socket"),
        ("if_nametoindex", "", "ENODEV", "if_nametoindex(3): the interface is gone"),
        ("poll", "", "EINTR", "poll(2): whether or not it may sleep (do_poll())"),
        ("select", "", "EINTR", "select(2): whether or not it may sleep (do_select())"),
        ("epoll_wait", "blocking", "EINTR", "epoll_wait(2): ep_poll() sleeps"),
        ("epoll_ctl", "adding", "ENOMEM", "epoll_ctl(2)"),
        ("epoll_ctl", "adding", "ENOSPC", "epoll_ctl(2): max_user_watches"),
        ("waitpid", "blocking", "EINTR", "waitpid(2): it sleeps"),
        ("fork", "", "EAGAIN", "fork(2): the user's or the system's limit"),
        ("fork", "", "ENOMEM", "fork(2)"),
        ("posix_spawn", "", "EAGAIN", "fork(2): the user's or the system's limit"),
        ("posix_spawn", "", "ENOENT", "execve(2): the program is not there"),
        ("execve", "", "EACCES", "execve(2): no permission"),
        ("execve", "", "ENOENT", "execve(2): the program is not there"),
        ("execve", "", "ENOMEM", "execve(2)"),
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
