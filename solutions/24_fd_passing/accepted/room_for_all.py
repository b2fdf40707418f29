"""Room for as many descriptors as a message may have; the last one is kept."""

import errno
import socket
import struct
from contextlib import ExitStack
from os import close, strerror

MOST = 253  # SCM_MAX_FD


def send_fd(sock, fd):
    control = struct.pack("@i", fd)
    sock.sendmsg((memoryview(b"d"),), ((socket.SOL_SOCKET, socket.SCM_RIGHTS, control),))


def numbers_in(control):
    for level, kind, data in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            yield from struct.unpack(f"@{len(data) // 4}i", data)


def recv_fd(sock):
    byte = bytearray(1)
    count, control, flags, _address = sock.recvmsg_into(
        [byte], socket.CMSG_LEN(MOST * 4), socket.MSG_CMSG_CLOEXEC
    )
    with ExitStack() as surplus:
        kept = None
        for number in numbers_in(control):
            if kept is not None:
                surplus.callback(close, kept)
            kept = number
    if kept is not None:
        return kept
    if count == 0:
        raise EOFError("the other end has closed")
    name = "EMFILE" if flags & socket.MSG_CTRUNC else "ENOMSG"
    raise OSError(getattr(errno, name), strerror(getattr(errno, name)))
