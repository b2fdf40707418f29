"""Endpoints by a table of the families, and structures of the struct module."""

import socket
from struct import Struct, error
from typing import NamedTuple


class Family(NamedTuple):
    number: int
    domain: int
    opening: str
    closing: str
    record: Struct


FAMILIES = (
    Family(4, socket.AF_INET, "", ":", Struct(">BH4s")),
    Family(6, socket.AF_INET6, "[", "]:", Struct(">BH16s")),
)


def pack_endpoint(text):
    for family in FAMILIES:
        host, closing, port = text.removeprefix(family.opening).rpartition(family.closing)
        if not text.startswith(family.opening) or not closing or set(port) - set("0123456789"):
            continue
        try:
            return family.record.pack(family.number, int(port), socket.inet_pton(family.domain, host))
        except (OSError, error):
            continue
    raise ValueError(f"{text!r} is no endpoint")


def unpack_endpoint(record):
    for family in FAMILIES:
        if len(record) == family.record.size and record[0] == family.number:
            _, port, address = family.record.unpack(record)
            return f"{family.opening}{socket.inet_ntop(family.domain, address)}{family.closing}{port}"
    raise ValueError(f"{record.hex()} is no endpoint")
