# expect: fail
# gap: other
# cause: The brackets are stripped off and the family told from the colons: 2001:db8::1:80 without brackets, and [192.0.2.1]:80, are taken for endpoints.
# shows: IPv6 without its brackets, or IPv4 within them.
# says: pack_endpoint('2001:db8::1:3490') returned 19 bytes
import re
import socket


def pack_endpoint(text: str) -> bytes:
    host, colon, port = text.rpartition(":")
    if not re.fullmatch("[0-9]{1,5}", port) or int(port) > 0xFFFF:
        raise ValueError("no port")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        address = socket.inet_pton(family, host)
    except OSError as e:
        raise ValueError(str(e))
    return bytes([6 if family == socket.AF_INET6 else 4]) + int(port).to_bytes(2, "big") + address


def unpack_endpoint(record: bytes) -> str:
    port = int.from_bytes(record[1:3], "big")
    if record[:1] == b"\x04" and len(record) == 7:
        return socket.inet_ntop(socket.AF_INET, record[3:]) + f":{port}"
    if record[:1] == b"\x06" and len(record) == 19:
        return "[" + socket.inet_ntop(socket.AF_INET6, record[3:]) + f"]:{port}"
    raise ValueError("no record")
