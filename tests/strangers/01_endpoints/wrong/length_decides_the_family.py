# expect: fail
# gap: other
# cause: The family is told from the record's length and the family byte is never looked at: a record that says 6 with 4 bytes of address, or 9, is printed all the same.
# shows: A record of 7 bytes whose first byte is not 4.
# says: returned '192.0.2.1:3490'; expected ValueError
import socket
import struct


def pack_endpoint(text: str) -> bytes:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(text)
    six = host.startswith("[") and host.endswith("]")
    try:
        address = socket.inet_pton(socket.AF_INET6, host[1:-1]) if six else socket.inet_pton(socket.AF_INET, host)
    except OSError:
        raise ValueError(text)
    return struct.pack("!BH", 6 if six else 4, int(port)) + address


def unpack_endpoint(record: bytes) -> str:
    if len(record) == 7:
        _, port, address = struct.unpack("!BH4s", record)
        return f"{socket.inet_ntop(socket.AF_INET, address)}:{port}"
    if len(record) == 19:
        _, port, address = struct.unpack("!BH16s", record)
        return f"[{socket.inet_ntop(socket.AF_INET6, address)}]:{port}"
    raise ValueError("wrong length")
