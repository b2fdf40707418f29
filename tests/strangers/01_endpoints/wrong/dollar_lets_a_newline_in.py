# expect: fail
# gap: unchecked-port
# cause: In a regular expression `$` also matches before a newline at the end of the text: a port with a newline after it passes.
# shows: pack_endpoint('192.0.2.1:3490\n') returns a record instead of raising ValueError.
import ipaddress
import re
import struct

ENDPOINT = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<four>[0-9.]+)):(?P<port>[0-9]{1,5})$")


def pack_endpoint(text: str) -> bytes:
    found = ENDPOINT.match(text)
    if found is None:
        raise ValueError(f"not an endpoint: {text!r}")
    port = int(found["port"])
    if port > 65535:
        raise ValueError(f"no such port: {port}")
    if found["six"] is not None:
        address = ipaddress.IPv6Address(found["six"])  # its errors are ValueErrors
    else:
        address = ipaddress.IPv4Address(found["four"])
    return struct.pack("!BH", address.version, port) + address.packed


def unpack_endpoint(record: bytes) -> str:
    import socket

    if len(record) == 7 and record[0] == 4:
        family, pattern = socket.AF_INET, "{}:{}"
    elif len(record) == 19 and record[0] == 6:
        family, pattern = socket.AF_INET6, "[{}]:{}"
    else:
        raise ValueError("not an endpoint record")
    (port,) = struct.unpack_from("!H", record, 1)
    return pattern.format(socket.inet_ntop(family, record[3:]), port)
