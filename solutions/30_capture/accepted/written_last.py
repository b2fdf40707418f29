"""All packets are kept until the last has come, and are written in one go."""

import io
import os
import socket
import struct
import time

RECORD = struct.Struct("=IIII")


class Packet:
    """What is of interest in a frame."""

    def __init__(self, frame):
        self.ports = set()
        self._stream = io.BytesIO(frame)
        self._stream.seek(12)
        try:
            {0x0800: self._ipv4, 0x86DD: self._ipv6}.get(self._number(), lambda: None)()
        except EOFError:
            self.ports.clear()

    def _number(self, size=2):
        piece = self._stream.read(size)
        if len(piece) < size:
            raise EOFError
        return int.from_bytes(piece, "big")

    def _skip(self, size):
        if len(self._stream.read(size)) < size:
            raise EOFError

    def _ipv4(self):
        first = self._number(1)
        self._skip(1)
        total, _, offset, _, protocol = (self._number(size) for size in (2, 2, 2, 1, 1))
        self._skip(10 + (first & 15) * 4 - 20 if (first & 15) >= 5 else 1 << 20)
        if first >> 4 == 4 and offset & 0x1FFF == 0:
            self._transport(protocol, total - (first & 15) * 4)

    def _ipv6(self):
        version = self._number(4) >> 28
        left, protocol = self._number(), self._number(1)
        self._skip(33)
        while protocol in (0, 43, 44, 60):
            following, units, word = self._number(1), self._number(1), self._number()
            size = 8 if protocol == 44 else 8 + units * 8
            if protocol == 44 and word & 0xFFF8:
                return
            self._skip(size - 4)
            protocol, left = following, left - size
        if version == 6:
            self._transport(protocol, left)

    def _transport(self, protocol, left):
        if protocol in (6, 17) and left >= 4:
            self.ports = {self._number(), self._number()}


def capture(interface, port, count, path):
    if port < 0 or port >> 16 or count < 0:
        raise ValueError("out of range")
    flags = os.O_WRONLY | os.O_CREAT
    try:
        fd, is_new = os.open(path, flags | os.O_EXCL, 0o644), True
    except FileExistsError:
        fd, is_new = os.open(path, flags | os.O_TRUNC), False
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(RECORD.pack(0xA1B2C3D4, *struct.unpack("=I", struct.pack("=HH", 2, 4)), 0, 0))
            file.write(struct.pack("=II", 262144, 1))
            for moment, frame in collected(interface, port, count):
                file.write(RECORD.pack(moment // 10**9, moment % 10**9 // 1000, len(frame), len(frame)))
                file.write(frame)
    except BaseException:
        if is_new:
            os.unlink(path)
        raise


def collected(interface, port, count):
    kept = []
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    try:
        sock.bind((interface, 3))
        buffer = bytearray(1 << 18)
        while len(kept) < count:
            size, sender = sock.recvfrom_into(buffer)
            frame = bytes(buffer[:size])
            if sender[3] == 772 and sender[2] == socket.PACKET_OUTGOING:
                continue
            if port in Packet(frame).ports:
                kept.append((time.time_ns(), frame))
        return kept
    finally:
        sock.close()
