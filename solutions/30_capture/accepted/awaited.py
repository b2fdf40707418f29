"""asyncio: each frame is awaited, and written as it comes."""

import asyncio
import os
import socket
import struct
import time


async def sniff(interface, wanted, count, file):
    loop = asyncio.get_running_loop()
    file.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sock:
        sock.setblocking(False)
        sock.bind((interface, 0x0003))
        while count > 0:
            frame, (_, _, direction, kind, _) = await loop.sock_recvfrom(sock, 262144)
            came_in_too = (direction, kind) == (socket.PACKET_OUTGOING, 772)
            if not came_in_too and wanted in ends(frame):
                moment = time.time()
                record = int(moment), int(moment % 1 * 1_000_000), len(frame), len(frame)
                file.write(struct.pack("<4I", *record) + frame)
                count -= 1


def ends(frame):
    """The two ports of a frame, or an empty tuple."""
    reader = {b"\x08\x00": segment_of_4, b"\x86\xdd": segment_of_6}.get(frame[12:14])
    segment = reader(memoryview(frame)[14:]) if reader else b""
    return tuple(struct.unpack("!HH", segment[:4])) if len(segment) >= 4 else ()


def segment_of_4(packet):
    try:
        first, total, offset, protocol = struct.unpack_from("!BxHxxHxB10x", packet)
    except struct.error:
        return b""
    head = first % 16 * 4
    is_right = first // 16 == 4 and head >= 20 and offset % 8192 == 0 and protocol in (6, 17)
    return packet[head:total] if is_right else b""


def segment_of_6(packet):
    if len(packet) < 40 or packet[0] // 16 != 6:
        return b""
    protocol, rest = packet[6], packet[40:][: packet[4] * 256 + packet[5]]
    while protocol not in (6, 17):
        if protocol not in (0, 43, 44, 60) or len(rest) < 8:
            return b""
        if protocol == 44 and rest[2] * 256 + rest[3] >= 8:
            return b""
        protocol, rest = rest[0], rest[8 if protocol == 44 else 8 + 8 * rest[1] :]
    return rest


def capture(interface, port, count, path):
    if not (0 <= port < 1 << 16 and count >= 0):
        raise ValueError("out of range")
    existed = os.path.lexists(path)
    file = open(path, "wb")
    try:
        with file:
            asyncio.run(sniff(interface, port, count, file))
    except BaseException:
        if not existed:
            os.remove(path)
        raise
