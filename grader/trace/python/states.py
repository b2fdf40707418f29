"""In which states a call finds its descriptor: the twin of ``states.c``."""

from __future__ import annotations

import errno
import fcntl
import os
import select
import socket
from weakref import WeakValueDictionary

from grader.trace import layout
from grader.trace.calls import GROUPS, NUMBER

_real, _real_poll = socket.socket, select.poll
_BIT = layout.STATE_BIT
_WAIT, _ACCEPT, _RECV, _SEND = (
    {NUMBER[name] for name in GROUPS[group]} for group in ("wait", "accept", "recv", "send")
)
_SETSOCKOPT, _MAKES = NUMBER["setsockopt"], (NUMBER["socket"], NUMBER["socketpair"])
_JOINS = ((socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP), (socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP))
#: Calls that look at a lock, a child or a file rather than at a socket.
_OPEN, _WAITPID, _FLOCK, _FCNTL = (NUMBER[name] for name in ("open", "waitpid", "flock", "fcntl"))
_OF_ARGUMENTS = (_OPEN, _WAITPID, _FLOCK, _FCNTL)
_TRIES, _SLEEPS = (fcntl.F_SETLK, fcntl.F_OFD_SETLK), (fcntl.F_SETLKW, fcntl.F_OFD_SETLKW)

#: What states a TCP socket is in, by its state in the kernel (tcp_states.h).
_CONNECTED = _BIT["connected"]
_OF_TCP = {
    2: _BIT["connecting"],  # SYN_SENT
    8: _CONNECTED | _BIT["half-closed"],  # CLOSE_WAIT
    6: _CONNECTED | _BIT["half-closed"],  # TIME_WAIT
    9: _CONNECTED | _BIT["half-closed"],  # LAST_ACK
    11: _CONNECTED | _BIT["half-closed"],  # CLOSING
    10: _BIT["listening"],
}
_TCP_CLOSE = 7

#: The socket objects of descriptors, for the time limits that they have.
_sockets: WeakValueDictionary[int, socket.socket] = WeakValueDictionary()
#: Descriptor -> inode of the sockets that a library has opened for itself.
_of_libraries: dict[int, int] = {}
#: The last descriptor that was made to listen.
_listener = -1


def note(sock: socket.socket) -> None:
    """A descriptor has got a socket object."""
    _sockets[sock.fileno()] = sock


def note_of_library(fd: int) -> None:
    """A library has opened a socket for itself."""
    _of_libraries[fd] = os.fstat(fd).st_ino


def listens(fd: int) -> None:
    """A descriptor listens: a wait is then one for clients, too."""
    global _listener
    _listener = fd


def states_of(operation: int, fd: int, a: int, b: int) -> int:
    """The bits of `layout.STATES` that hold for a call.

    Args:
        operation: its number in `calls.TABLE`.
        fd: its descriptor, or -1.
        a, b: its first two arguments, as its record has them.
    """
    if operation in _OF_ARGUMENTS:
        return _of_arguments(operation, a, b)
    if operation in _WAIT:
        return (_BIT["listening"] if _of_socket(_listener) & _BIT["listening"] else 0) | (_BIT["blocking"] if b else 0)
    if operation in _MAKES:
        return _of_kind(a, b)
    if fd < 0:
        return 0
    states = _of_socket(fd) | (_BIT["adding"] if operation == _SETSOCKOPT and (a, b) in _JOINS else 0)
    if operation in _ACCEPT | _RECV and _polled(fd, select.POLLIN):
        states |= _BIT["ready"]
    if _may_sleep(fd) and not (operation in _RECV | _SEND and b & socket.MSG_DONTWAIT):
        states |= _BIT["blocking"]
    return states


def _of_arguments(operation: int, a: int, b: int) -> int:
    if operation == _OPEN:
        return _BIT["adding"] if a & os.O_CREAT else 0
    if operation == _WAITPID:
        return 0 if b & os.WNOHANG else _BIT["blocking"]
    if operation == _FLOCK:
        return 0 if a & fcntl.LOCK_UN else _BIT["trying" if a & fcntl.LOCK_NB else "blocking"]
    if a in _TRIES and b != fcntl.F_UNLCK:
        return _BIT["trying"]
    return _BIT["blocking"] if a in _SLEEPS else 0


def is_of_library(fd: int) -> bool:
    """Whether a library has opened a descriptor, for itself alone."""
    try:
        return fd in _of_libraries and os.fstat(fd).st_ino == _of_libraries[fd]
    except OSError:
        return False


def _may_sleep(fd: int) -> bool:
    sock = _sockets.get(fd)
    if sock is not None and sock.fileno() == fd:
        return _real.gettimeout(sock) != 0
    try:
        return os.get_blocking(fd)
    except OSError:
        return False


def _polled(fd: int, events: int) -> int:
    """What poll(2) says of a descriptor at this moment."""
    poll = _real_poll()
    poll.register(fd, events)
    return dict(poll.poll(0)).get(fd, 0)


def _of_socket(fd: int) -> int:
    try:
        sock = _real(fileno=fd)
    except (OSError, ValueError):
        return 0
    try:
        return _of(sock)
    finally:
        sock.detach()


def _of_kind(domain: int, kind: int) -> int:
    """What can be said of a socket that is about to be made."""
    is_datagram, is_raw = (kind & 0xF == one for one in (socket.SOCK_DGRAM, socket.SOCK_RAW))
    states = _BIT["datagram"] if is_datagram or is_raw else 0
    if domain == socket.AF_UNIX:
        return states | _BIT["unix"] | (_BIT["stream"] if kind & 0xF == socket.SOCK_STREAM else 0)
    if domain == socket.AF_PACKET:
        return states | _BIT["packet"]
    if domain not in (socket.AF_INET, socket.AF_INET6):
        return states
    states |= _BIT["raw"] if is_raw else 0
    states |= _BIT["ipv6"] if domain == socket.AF_INET6 else 0
    return states | (_BIT["udp"] if is_datagram else 0) | (_BIT["tcp"] if kind & 0xF == socket.SOCK_STREAM else 0)


def _of(sock: socket.socket) -> int:
    states = _of_kind(sock.family, sock.type)
    try:
        state = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    except OSError:
        pass  # not one of TCP
    else:
        if state == _TCP_CLOSE:  # fresh, or ended by an error still to be told
            fresh = not _polled(sock.fileno(), 0) & select.POLLERR
            return states | (_BIT["unconnected"] if fresh else 0)
        return states | _OF_TCP.get(state, _CONNECTED)
    try:
        peer = sock.getpeername()
    except OSError as error:
        peer, role = "", _BIT["unconnected"] if error.errno == errno.ENOTCONN else 0
    else:
        role = _BIT["connected"]
    if sock.family == socket.AF_UNIX and (peer or sock.getsockname()):
        states |= _BIT["named"]
    return states | (_BIT["listening"] if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) else role)
