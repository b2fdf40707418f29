"""Endpoints by the library of addresses and by regular expressions."""

import ipaddress
import re
import socket

PORT = r"(?P<port>[0-9]+)"
IPV4 = re.compile(rf"(?P<host>[0-9.]+):{PORT}")
IPV6 = re.compile(rf"\[(?P<host>[0-9A-Fa-f:.]+)\]:{PORT}")


def pack_endpoint(text: str) -> bytes:
    """The record of an endpoint; ValueError for any other text."""
    if found := IPV4.fullmatch(text):
        address = ipaddress.IPv4Address(found["host"])
    elif found := IPV6.fullmatch(text):
        address = ipaddress.IPv6Address(found["host"])
    else:
        raise ValueError(text)
    try:
        port = int(found["port"]).to_bytes(2, "big")
    except OverflowError as error:
        raise ValueError(text) from error
    return bytes([address.version]) + port + address.packed


def unpack_endpoint(record: bytes) -> str:
    """The text of a record; ValueError for any other bytes."""
    family, port, address = record[:1], int.from_bytes(record[1:3], "big"), record[3:]
    if (family, len(address)) == (b"\x04", 4):
        return socket.inet_ntop(socket.AF_INET, address) + ":" + str(port)
    if (family, len(address)) == (b"\x06", 16):
        return "[" + socket.inet_ntop(socket.AF_INET6, address) + "]:" + str(port)
    raise ValueError(record)
