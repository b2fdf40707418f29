"""Network endpoints as text and as bytes: what people write, what a record holds."""

import socket
import struct


def pack_endpoint(text: str) -> bytes:
    """Turn "192.0.2.1:3490" or "[2001:db8::1]:3490" into a record.

    Raises:
        ValueError: it is neither.
    """
    host, _, port = text.rpartition(":")
    number = parse_port(port)
    try:
        if host.startswith("[") and host.endswith("]"):
            family, address = 6, socket.inet_pton(socket.AF_INET6, host[1:-1])
        else:
            family, address = 4, socket.inet_aton(host)
    except OSError:
        raise ValueError(f"not a numeric address: {host}") from None
    return struct.pack("=BH4s", family, number, address)


def unpack_endpoint(record: bytes) -> str:
    """Turn a record into text.

    Raises:
        ValueError: its family or its length is wrong.
    """
    if len(record) >= 7 and record[0] == 4:
        host = socket.inet_ntop(socket.AF_INET, record[3:7])
    elif len(record) >= 19:
        host = f"[{socket.inet_ntop(socket.AF_INET6, record[3:19])}]"
    else:
        raise ValueError("not an endpoint record")
    (port,) = struct.unpack("=H", record[1:3])
    return f"{host}:{port}"


def parse_port(text: str) -> int:
    """Read a port."""
    return int(text)
